/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two processes serve a mount. The supervisor mounts it, holds it, and waits. The worker
 * answers the requests. If the worker is killed, or crashes, the supervisor starts another
 * one, which goes on.
 *
 * In lists of processes the worker is "dmaheapfs-serve". Both share one table of file descriptors:
 * what a worker has opened stays open. Memory that must survive is shared as well, see fs/saved.h.
 * Everything else a worker has from the supervisor, as it was before the first worker was started.
 */
#ifndef STATE_SUPERVISOR_H
#define STATE_SUPERVISOR_H

#include "util/fd_list.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* In shared memory, zeroed before the first worker. */
struct supervised {
	_Atomic uint32_t thread;   /* the worker's main thread; the kernel clears it at its end */
	uint32_t supervisor;	   /* its process */
	_Atomic uint64_t answered; /* requests, by all workers */
	_Atomic uint32_t starts;   /* workers so far */
	_Atomic uint32_t crashes;  /* by their own fault */
	_Atomic uint32_t last_signal; /* that ended the last worker */
	_Atomic bool returned;	      /* its work has, with this result: */
	_Atomic int result;
	_Atomic bool serves;  /* the worker has begun to serve */
	_Atomic bool is_held; /* see supervise_hold() */
};

/* What the supervisor calls. */
struct supervised_calls {
	/* In a worker: serves. Gets the fds that are no earlier worker's. */
	int (*work)(void *context, const struct fd_list *own);
	/* Returns whether another program can go on in the place of this one. */
	bool (*may_hand_over)(void *context);
	void *context;
};

/* Another program is to go on, as SUPERVISE_SIGNAL asked. No worker is running. */
#define SUPERVISE_HAND_OVER 256

/*
 * Runs work() in workers until it returns. Returns its result, from 0 to 255; -errno if the
 * worker cannot be kept running, and the log has the reason; or SUPERVISE_HAND_OVER.
 * @recorded are the fds of an earlier program's workers. Call it with one thread.
 */
int supervise(struct supervised *shared, const struct supervised_calls *calls,
	      struct fd_list *recorded);

/*
 * Waits until the last worker is gone, for a few seconds at most: its threads may have waited
 * for the mount. Call it when that has ended.
 */
void supervise_finish(void);

/*
 * Waits until a signal ends the supervisor, without a worker: what is recorded can be saved
 * meanwhile. Returns at once if one has come already.
 */
void supervise_hold(struct supervised *shared);

/* The signal that asks the supervisor to hand over. */
#define SUPERVISE_SIGNAL SIGUSR2

#endif
