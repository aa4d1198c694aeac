// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shared memory: the files of the mount's own tmpfs. Every Linux machine has it,
 * but it makes no dma-bufs.
 */
#include "buffer/heap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void shmem_destroy(struct heap *heap)
{
	free(heap);
}

static const struct heap_ops shmem_ops = {
	.in_tmpfs = true,
	.destroy = shmem_destroy,
};

int heap_shmem_open(struct heap **opened, const char *dev, char why[static 256])
{
	struct heap *heap = calloc(1, sizeof(*heap));

	(void)dev;
	if (!heap) {
		snprintf(why, 256, "out of memory");
		return -ENOMEM;
	}
	heap->ops = &shmem_ops;
	snprintf(heap->name, sizeof(heap->name), "shmem");
	snprintf(heap->dmabuf, sizeof(heap->dmabuf),
		 "no: this is shared memory; mount with heap=udmabuf or a dma-heap for dma-bufs");
	*opened = heap;
	return 0;
}
