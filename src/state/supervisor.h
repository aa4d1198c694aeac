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

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* In shared memory, zeroed before the first worker. */
struct supervised {
	_Atomic uint32_t thread;  /* the worker's main thread; the kernel clears it at its end */
	uint32_t supervisor;	  /* its process */
	_Atomic uint32_t starts;  /* workers so far */
	_Atomic uint32_t crashes; /* by their own fault */
	_Atomic uint32_t last_signal; /* that ended the last worker */
	_Atomic bool returned;	      /* its work has, with this result: */
	_Atomic int result;
	_Atomic bool serves; /* the worker has begun to serve */
};

/*
 * Runs @work in workers until one returns. Returns its result, from 0 to 255, or -errno if
 * the worker cannot be kept running; the log has the reason. @work gets the fds that were
 * open before the first worker. Call it with one thread.
 */
typedef int supervised_work(void *context, const struct fd_list *own);
int supervise(struct supervised *shared, supervised_work *work, void *context);

#endif
