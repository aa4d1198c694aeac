// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/heap.h"

#include "util/scope.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int heap_open(struct heap **heap, const char *name, const char *dev, char why[static 256])
{
	if (strcmp(name, "shmem") == 0)
		return heap_shmem_open(heap, dev, why);
	if (strcmp(name, "auto") == 0) {
		int err = heap_shmem_open(heap, dev, why);

		if (!err)
			snprintf((*heap)->choice, sizeof((*heap)->choice), "nothing else is there");
		return err;
	}
	snprintf(why, 256, "no heap of that name");
	return -ENOENT;
}

bool heap_exists(const char *name, const char *dev)
{
	scope(free) char *path = NULL;

	if (!strcmp(name, "auto") || !strcmp(name, "shmem") || !strcmp(name, "udmabuf"))
		return true;
	return !strchr(name, '/') && *name && asprintf(&path, "%s/dma_heap/%s", dev, name) > 0 &&
	       !access(path, F_OK);
}

void heap_destroy(struct heap *heap)
{
	if (heap)
		heap->ops->destroy(heap);
}

void heap_list(const char *dev, heap_line *line, void *context)
{
	(void)dev;
	line(context, "shmem", true, "shared memory, no dma-bufs");
}
