// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/bracket.h"

#include "buffer/fair_lock.h"

#include <linux/dma-buf.h>

void bracket_init(struct bracket *bracket)
{
	fair_lock_init(&bracket->lock);
}

void bracket_finish(struct bracket *bracket)
{
	pthread_rwlock_destroy(&bracket->lock);
}

static void lock(struct cpu_access *access)
{
	if (access->write)
		pthread_rwlock_wrlock(&access->bracket->lock);
	else
		pthread_rwlock_rdlock(&access->bracket->lock);
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
	uint64_t direction = access->write ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ;

	if (access->fd < 0 || access->by_kernel || !ops->sync)
		return 0;
	return ops->sync(access->heap, access->fd, phase | direction);
}

/* Devices are waited for outside the lock, or callers would queue up for their waits. */
int cpu_access_begin(struct cpu_access *access)
{
	int err = wait_for_devices(access);

	if (err)
		return err;
	lock(access);
	err = sync_cpu(access, DMA_BUF_SYNC_START);
	if (err)
		pthread_rwlock_unlock(&access->bracket->lock);
	return err;
}

int cpu_access_end(struct cpu_access *access)
{
	int err = sync_cpu(access, DMA_BUF_SYNC_END);

	pthread_rwlock_unlock(&access->bracket->lock);
	return err;
}
