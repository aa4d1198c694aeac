// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/bracket.h"

#include "util/scope.h"

#include <linux/dma-buf.h>

void bracket_init(struct bracket *bracket)
{
	*bracket = (struct bracket){.lock = PTHREAD_MUTEX_INITIALIZER};
}

void bracket_finish(struct bracket *bracket)
{
	pthread_mutex_destroy(&bracket->lock);
}

static int sync_cpu(struct cpu_access *access, uint64_t phase)
{
	const struct heap_ops *ops = access->heap->ops;
	uint64_t direction = access->write ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ;

	if (access->fd < 0 || !ops->sync)
		return 0;
	return ops->sync(access->heap, access->fd, phase | direction);
}

static bool has_writers(struct bracket *bracket)
{
	with_lock(&bracket->lock);
	return bracket->writers > 0;
}

/* Devices are waited for outside the lock, or callers would queue up behind one another's wait. */
static int wait_for_devices(struct cpu_access *access)
{
	const struct heap_ops *ops = access->heap->ops;

	if (access->fd < 0 || !ops->wait_idle || has_writers(access->bracket))
		return 0;
	return ops->wait_idle(access->heap, access->fd, access->write);
}

int cpu_access_begin(struct cpu_access *access)
{
	struct bracket *bracket = access->bracket;
	int err = wait_for_devices(access);

	if (err)
		return err;
	with_lock(&bracket->lock);
	access->started = bracket->writers == 0;
	if (access->started)
		err = sync_cpu(access, DMA_BUF_SYNC_START);
	if (!err && access->write)
		bracket->writers++;
	return err;
}

/* The END of writers is under the lock too: the next START has to come after it. */
int cpu_access_end(struct cpu_access *access)
{
	struct bracket *bracket = access->bracket;
	with_lock(&bracket->lock);

	if (access->write)
		return --bracket->writers == 0 ? sync_cpu(access, DMA_BUF_SYNC_END) : 0;
	return access->started ? sync_cpu(access, DMA_BUF_SYNC_END) : 0;
}
