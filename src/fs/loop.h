/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads that read requests from the kernel and dispatch them. Threads are started as
 * they are needed: a request to a hung source keeps its thread, and the others must still
 * be served. If no thread or memory is to be had, the loop goes on with the threads it has.
 */
#ifndef FS_LOOP_H
#define FS_LOOP_H

#include "fs/fs.h"

/* The most bytes of a write, for the reply to INIT. */
#define LOOP_MAX_WRITE (1u << 20)

/* The buffer of a thread: that and the parts before it. */
#define LOOP_BUFFER_BYTES (LOOP_MAX_WRITE + 4096)

/* Enough for all requests but large writes. */
#define LOOP_SMALL_BYTES (128u << 10)

/*
 * Serves the session of @fs until it is unmounted or a signal handler calls fuse_session_exit().
 * Signals are delivered to this thread only. 0 or -errno.
 */
int loop_run(struct fs *fs);

#endif
