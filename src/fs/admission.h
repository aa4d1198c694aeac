/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which requests the threads of the loop may serve now. No user can keep all threads:
 * requests of a user beyond a limit wait in a queue until others of the same user are done.
 * The limit is lower for requests with much work in them. The caller serialises all calls.
 */
#ifndef FS_ADMISSION_H
#define FS_ADMISSION_H

#include "state/request.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ADMISSION_THREADS (sizeof(void *) > 4 ? 256 : 64)

struct deferred;

struct admission {
	unsigned threads;     /* the most there may be, up to ADMISSION_THREADS */
	struct table *parked; /* requests that wait */
	struct deferred *first, **last;
	struct turn {
		bool taken, heavy;
		uid_t user;
	} turns[ADMISSION_THREADS]; /* the request that each thread serves */
};

/* Starts with the requests that are in @parked already. */
void admission_init(struct admission *admission, unsigned threads, struct table *parked);

/* Drops the requests that wait. The kernel answers them when the connection ends. */
void admission_finish(struct admission *admission);

/*
 * Thread @thread has a request in its slot. Returns whether it may serve it now. If not, the
 * request is parked. If that is not possible, as it is large, it is served.
 */
bool admission_enter(struct admission *admission, unsigned thread, struct request *request);

/* The same for the replay of a request that an earlier process was serving. */
void admission_go_on(struct admission *admission, unsigned thread, struct request *request);

/* The thread has served its request. */
void admission_leave(struct admission *admission, unsigned thread);

/*
 * Moves a request that waits and may be served now to the empty slot of the thread. Returns
 * false if there is none.
 */
bool admission_next(struct admission *admission, unsigned thread, struct request *request);

#endif
