/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A heap behind a device file. For the files heap_*.c only. */
#ifndef BUFFER_HEAP_DEVICE_H
#define BUFFER_HEAP_DEVICE_H

#include "buffer/heap.h"

struct heap_device {
	struct heap heap;
	int fd;
	int files; /* a directory to make memory files in; -1: none */
};

static inline struct heap_device *heap_device_of(struct heap *heap)
{
	return (struct heap_device *)heap;
}

static inline int heap_device_fd(struct heap *heap)
{
	return heap_device_of(heap)->fd;
}

struct heap_device_type {
	const struct heap_ops *ops;
	/* Advice for the two common errors of opening a device file. */
	const char *no_permission; /* EACCES, EPERM */
	const char *missing;	   /* ENOENT, ENOTDIR, ENODEV, ENXIO */
	/* Sets the heap's name and texts. @name is as in heap=. */
	void (*describe)(struct heap *heap, const char *name);
	/* Allocates a page to see that it works. 0, or -errno with a line in @why. */
	int (*probe)(struct heap *heap, char why[static 256]);
};

/* Opens @path as a heap named @name. On failure -errno, with one line in @why. */
int heap_device_open(struct heap **heap, const struct heap_device_type *type, const char *path,
		     const char *name, char why[static 256]);

/* For struct heap_ops. */
void heap_device_destroy(struct heap *heap);
void heap_files_limit(struct heap *heap, uint64_t size, const char *huge);
int heap_files_resize(struct heap *heap, uint64_t size);
int heap_files_new(struct heap *heap);

#endif
