/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU access to a mapped dma-buf, between DMA_BUF_SYNC_START and _END.
 *
 * If caches need maintenance, START discards the CPU's cached lines of the whole
 * buffer, including bytes that another thread has just written. END makes writes
 * visible to devices, and a write call must not return before that. So readers
 * run in parallel, each with a START and END of its own, and a writer runs alone.
 */
#ifndef BUFFER_CPU_ACCESS_H
#define BUFFER_CPU_ACCESS_H

#include "buffer/heap.h"

#include <pthread.h>

/* One access by one thread. */
struct cpu_access {
	pthread_rwlock_t *lock; /* the buffer's; not held while waiting for devices */
	struct heap *heap;
	int fd;		/* the dma-buf; -1: the memory needs no SYNC */
	bool write;	/* reading is allowed too */
	bool by_kernel; /* read(2) or write(2) of the dma-buf, which needs no SYNC */
};

/* 0 or -errno; -EBUSY if a device keeps using the memory for too long. */
int cpu_access_begin(struct cpu_access *access);

/* On an error devices may not see the bytes that were written. */
int cpu_access_end(struct cpu_access *access);

#endif
