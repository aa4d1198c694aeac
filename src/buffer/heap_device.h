/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A heap behind a device file. For the files heap_*.c only. */
#ifndef BUFFER_HEAP_DEVICE_H
#define BUFFER_HEAP_DEVICE_H

#include "buffer/heap.h"

struct heap_device {
	struct heap heap;
	int fd;
};

static inline int heap_device_fd(struct heap *heap)
{
	return ((struct heap_device *)heap)->fd;
}

/* Advice for the two common errors of opening a device file. */
struct heap_device_advice {
	const char *no_permission; /* EACCES, EPERM */
	const char *missing;	   /* ENOENT, ENOTDIR, ENODEV, ENXIO */
};

/*
 * Opens @path as a heap with @ops. The name and the text about dma-bufs are left
 * to the caller. On failure -errno, with one line in @why that begins with
 * @path.
 */
int heap_device_open(struct heap_device **device, const char *path, const struct heap_ops *ops,
		     const struct heap_device_advice *advice, char why[static 256]);

/* For struct heap_ops. */
void heap_device_destroy(struct heap *heap);

#endif
