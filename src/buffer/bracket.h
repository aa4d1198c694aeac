/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU access to a dma-buf's mapping stands between the START and the END of a
 * DMA_BUF_IOCTL_SYNC. Where caches need it, START throws away what the CPU has
 * cached of the whole buffer, what another thread has just written included.
 * And whoever has written wants devices to see it when the call returns. So
 * readers share, each with a bracket of its own, and a writer is alone.
 */
#ifndef BUFFER_BRACKET_H
#define BUFFER_BRACKET_H

#include "buffer/heap.h"

#include <pthread.h>

struct bracket {
	pthread_rwlock_t lock; /* a leaf; held across the access, not while waiting for devices */
};

/* One thread's stay inside. */
struct cpu_access {
	struct bracket *bracket;
	struct heap *heap;
	int fd;		/* the dma-buf; -1: nobody to tell */
	bool write;	/* it may read, too */
	bool by_kernel; /* which needs no SYNC for what it does itself */
};

void bracket_init(struct bracket *bracket);
void bracket_finish(struct bracket *bracket);

/* -EBUSY when a device does not let go of the memory in time. */
int cpu_access_begin(struct cpu_access *access);

/* An error means that devices may not see what was written. */
int cpu_access_end(struct cpu_access *access);

#endif
