/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which requests the threads of the loop may serve now. No user can keep all threads:
 * requests of a user beyond a limit wait in a queue until others of the same user are done.
 * The limit is lower for requests with much work in them. The caller serialises all calls.
 */
#ifndef FS_ADMISSION_H
#define FS_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ADMISSION_THREADS 256

struct deferred;

struct admission {
	unsigned threads;  /* the most there may be, up to ADMISSION_THREADS */
	size_t bytes_most; /* of requests that wait */
	size_t bytes;
	struct deferred *first, **last;
	struct turn {
		bool taken, heavy;
		uid_t user;
	} turns[ADMISSION_THREADS]; /* the request that each thread serves */
};

void admission_init(struct admission *admission, unsigned threads, size_t bytes_most);

/* Drops the requests that wait. The kernel answers them when the connection ends. */
void admission_finish(struct admission *admission);

/*
 * Thread @thread has read a request, a struct fuse_in_header and what follows. Returns
 * whether it may serve it now. If not, a copy waits. Without memory for that it is served.
 */
bool admission_enter(struct admission *admission, unsigned thread, const void *request,
		     size_t size);

/*
 * The thread has served its request. Copies one that may be served now into @buffer, as the
 * thread's next, and returns its size; 0: there is none.
 */
size_t admission_leave(struct admission *admission, unsigned thread, void *buffer);

#endif
