/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU access to a dma-buf's mapping stands between the START and the END of a
 * DMA_BUF_IOCTL_SYNC. START may throw away what the CPU's cache holds, so none
 * may happen while another thread has written and not yet reached its END:
 * writers that overlap in time share one pair, and whoever reads meanwhile
 * goes without. Each START has its END.
 */
#ifndef BUFFER_BRACKET_H
#define BUFFER_BRACKET_H

#include "buffer/heap.h"

#include <pthread.h>

struct bracket {
	pthread_mutex_t lock; /* a leaf; held across the ioctl, not while waiting for devices */
	unsigned int writers; /* inside now */
};

/* One thread's stay inside. */
struct cpu_access {
	struct bracket *bracket;
	struct heap *heap;
	int fd; /* the dma-buf; -1: nothing to tell anyone */
	bool write;
	bool started; /* by this access */
};

void bracket_init(struct bracket *bracket);
void bracket_finish(struct bracket *bracket);

/* -EBUSY when a device does not let go of the memory in time. */
int cpu_access_begin(struct cpu_access *access);

/* An error means that devices may not see what was written. */
int cpu_access_end(struct cpu_access *access);

#endif
