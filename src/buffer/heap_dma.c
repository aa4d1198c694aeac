// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dma-heap of the kernel: a character device under /dev/dma_heap.
 */
#include "buffer/heap.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define LARGE_REQUEST (16u << 20)

struct dma_heap {
	struct heap heap;
	int device;
};

/* What the kernel believes it can give out without swapping; UINT64_MAX: no idea. */
static uint64_t available_memory(void)
{
	uint64_t kilobytes = UINT64_MAX >> 10;
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];

	if (!file)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %" SCNu64, &kilobytes) == 1)
			break;
	fclose(file);
	return kilobytes << 10;
}

/*
 * A heap of ordinary memory tries to find whatever it is asked for, and takes
 * the rest of the machine down on the way. Other heaps know what they have.
 * Small requests are not worth the question.
 */
static bool exceeds_machine(const struct heap *heap, size_t size)
{
	if (size < LARGE_REQUEST || strncmp(heap->name, "system", strlen("system")))
		return false;
	return size > available_memory();
}

static int dma_alloc(struct heap *heap, size_t size)
{
	struct dma_heap *dma = (struct dma_heap *)heap;
	struct dma_heap_allocation_data request = {.len = size, .fd_flags = O_RDWR | O_CLOEXEC};

	if (exceeds_machine(heap, size))
		return -ENOSPC;
	if (ioctl(dma->device, DMA_HEAP_IOCTL_ALLOC, &request))
		return -errno;
	return (int)request.fd;
}

static void dma_destroy(struct heap *heap)
{
	struct dma_heap *dma = (struct dma_heap *)heap;

	close_fd(dma->device);
	free(dma);
}

static const struct heap_ops dma_ops = {
	.memory = HEAP_PAGES,
	.alloc = dma_alloc,
	.wait_idle = dmabuf_wait_idle,
	.sync = dmabuf_sync,
	.is_held = dmabuf_is_held,
	.takes_io = dmabuf_takes_io,
	.destroy = dma_destroy,
};

static int explain_open(int err, const char *name, const char *dev, char why[static 256])
{
	if (err == -EACCES || err == -EPERM)
		snprintf(why, 256,
			 "no permission for the dma-heap %.63s: run as root, or give your group "
			 "%.60s/dma_heap/* by a udev rule",
			 name, dev);
	else if (err == -ENOENT || err == -ENOTDIR)
		snprintf(why, 256,
			 "no dma-heap %.63s in %.60s/dma_heap: the kernel needs "
			 "CONFIG_DMABUF_HEAPS and a heap; `dmaheapctl heaps` shows what is there",
			 name, dev);
	else
		snprintf(why, 256, "can't open the dma-heap %.63s: %s", name, strerror(-err));
	return err;
}

static int open_device(const char *name, const char *dev, char why[static 256])
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/dma_heap/%s", dev, name) >= (int)sizeof(path))
		return explain_open(-ENAMETOOLONG, name, dev, why);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? explain_open(-errno, name, dev, why) : fd;
}

/* A page shows what it really is. That a heap has none left just now is no reason to refuse it. */
static int probe(struct dma_heap *dma, char why[static 256])
{
	int fd = dma_alloc(&dma->heap, (size_t)sysconf(_SC_PAGESIZE));

	if (fd == -ENOMEM || fd == -ENOSPC) {
		snprintf(dma->heap.advice, sizeof(dma->heap.advice),
			 "the dma-heap %.63s has no memory left at the moment", dma->heap.name);
		return 0;
	}
	if (fd < 0) {
		snprintf(why, 256, "%.63s gives no memory, it may not be a dma-heap: %s",
			 dma->heap.name, strerror(-fd));
		return fd == -ENOTTY ? -ENODEV : fd;
	}
	close_fd(fd);
	return 0;
}

int heap_dma_open(struct heap **opened, const char *name, const char *dev, char why[static 256])
{
	scope(fd) int device = open_device(name, dev, why);
	struct dma_heap *dma;
	int err;

	if (device < 0)
		return device;
	dma = calloc(1, sizeof(*dma));
	if (!dma) {
		snprintf(why, 256, "out of memory");
		return -ENOMEM;
	}
	dma->heap.ops = &dma_ops;
	dma->device = steal_fd(&device);
	snprintf(dma->heap.name, sizeof(dma->heap.name), "%s", name);
	snprintf(dma->heap.dmabuf, sizeof(dma->heap.dmabuf), "yes: dma-heap %.63s", name);
	err = probe(dma, why);
	if (err) {
		dma_destroy(&dma->heap);
		return err;
	}
	*opened = &dma->heap;
	return 0;
}
