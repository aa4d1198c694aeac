// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/cpu_access.h"

#include "buffer/lock.h"

#include <linux/dma-buf.h>

static void lock(struct cpu_access *access)
{
	if (access->write)
		pthread_rwlock_wrlock(access->lock);
	else
		pthread_rwlock_rdlock(access->lock);
}

static int wait_for_devices(struct cpu_access *access)
{
	const struct heap_ops *ops = access->heap->ops;

	if (access->fd < 0 || !ops->wait_idle)
		return 0;
	return ops->wait_idle(access->heap, access->fd, access->write);
}

static int sync_cpu(struct cpu_access *access, uint64_t phase)
{
	const struct heap_ops *ops = access->heap->ops;
	const uint64_t direction = access->write ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ;

	if (access->fd < 0 || access->by_kernel || !ops->sync)
		return 0;
	return ops->sync(access->heap, access->fd, phase | direction);
}

/* Waits for devices without the lock, or callers would queue up behind each other's waits. */
int cpu_access_begin(struct cpu_access *access)
{
	int error = wait_for_devices(access);

	if (error)
		return error;
	lock(access);
	error = sync_cpu(access, DMA_BUF_SYNC_START);
	if (error)
		pthread_rwlock_unlock(access->lock);
	return error;
}

int cpu_access_end(struct cpu_access *access)
{
	const int error = sync_cpu(access, DMA_BUF_SYNC_END);

	pthread_rwlock_unlock(access->lock);
	return error;
}
