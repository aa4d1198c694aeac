// SPDX-License-Identifier: GPL-2.0-or-later
/* A dma-heap of the kernel: a character device in /dev/dma_heap. */
#include "buffer/dmabuf.h"
#include "buffer/heap_device.h"
#include "util/explain.h"
#include "util/math.h"
#include "util/scope.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define LARGE_REQUEST (16u << 20)

/* The kernel's estimate of memory available without swapping; UINT64_MAX: unknown. */
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
 * The system heaps try to find any amount of memory, and the OOM killer runs
 * before they fail. Other heaps know their size. Small requests are not checked.
 */
static bool exceeds_machine(const struct heap *heap, size_t size)
{
	if (size < LARGE_REQUEST || strncmp(heap->name, "system", strlen("system")))
		return false;
	return size > available_memory();
}

/* Of a patched kernel: a copy is going to fill the memory, so that it need not be zeroed. */
#ifndef DMA_HEAP_FLAG_UNFILLED
#define DMA_HEAP_FLAG_UNFILLED 1
#endif

static int dma_alloc(struct heap *heap, size_t size)
{
	struct dma_heap_allocation_data request = {
		.len = size,
		.fd_flags = O_RDWR | O_CLOEXEC,
		.heap_flags = heap->unfilled ? DMA_HEAP_FLAG_UNFILLED : 0,
	};

	if (exceeds_machine(heap, size))
		return -ENOSPC;
	if (ioctl(heap_device_fd(heap), DMA_HEAP_IOCTL_ALLOC, &request))
		return -errno;
	return (int)request.fd;
}

static const struct heap_ops dma_ops = {
	.fixed_size = true,
	.has_dmabufs = true,
	.alloc = dma_alloc,
	.limit = heap_files_limit,
	.resize = heap_files_resize,
	.new_file = heap_files_new,
	.wait_idle = dmabuf_wait_idle,
	.sync = dmabuf_sync,
	.is_held = dmabuf_is_held,
	.takes_io = dmabuf_takes_io,
	.destroy = heap_device_destroy,
};

static void describe(struct heap *heap, const char *name)
{
	snprintf(heap->name, sizeof(heap->name), "%s", name);
	snprintf(heap->dmabuf, sizeof(heap->dmabuf), "yes: dma-heap %.63s", name);
}

/* Only a kernel that fills dma-bufs from files knows the flag. */
static bool can_be_unfilled(struct heap *heap)
{
	if (!heap->takes_io)
		return false;
	heap->unfilled = true;
	scope(fd) int unfilled = dma_alloc(heap, page_size());

	return unfilled >= 0;
}

/* A heap that is exhausted at the moment is still a heap. */
static int probe(struct heap *heap, char why[static 256])
{
	scope(fd) int fd = dma_alloc(heap, page_size());

	if (fd >= 0) {
		heap->takes_io = dmabuf_takes_io(heap, fd);
		heap->unfilled = can_be_unfilled(heap);
		return 0;
	}
	if (fd == -ENOMEM || fd == -ENOSPC)
		return explain(heap->advice, 0,
			       "the dma-heap %.63s has no memory left at the moment", heap->name);
	return explain(why, fd == -ENOTTY ? -ENODEV : fd,
		       "%.63s allocates no memory and may not be a dma-heap: %s", heap->name,
		       strerror(-fd));
}

int heap_dma_open(struct heap **heap, const char *name, const char *dev, char why[static 256])
{
	static const struct heap_device_type type = {
		.ops = &dma_ops,
		.no_permission = "run as root, or give your group the device by a udev rule",
		.missing = "the kernel needs CONFIG_DMABUF_HEAPS and a heap; `dmaheapctl heaps` "
			   "lists those of this machine",
		.describe = describe,
		.probe = probe,
	};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/dma_heap/%s", dev, name);
	return heap_device_open(heap, &type, path, name, why);
}
