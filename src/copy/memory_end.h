/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a copy that is memory, whoever's it is: a struct buffer here, or
 * a file of a mount that this process has open. Engines know it by these calls
 * alone, which may come from several threads at once, but for begin and finish.
 */
#ifndef COPY_MEMORY_END_H
#define COPY_MEMORY_END_H

#include "buffer/window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct copy_memory_ops;

struct copy_memory {
	const struct copy_memory_ops *ops;
	struct buffer *buffer;
	int file;
	/* The copy's own, from begin() to finish(). */
	struct buffer_fill fill;
	_Atomic bool mapped; /* found out by whichever thread comes first */
};

/* The buffer outlives the copy. */
struct copy_memory copy_memory_of_buffer(struct buffer *buffer);

/*
 * @file is a file of a mount, open for reading, and for writing too where that
 * is what the copy does. It stays the caller's.
 */
struct copy_memory copy_memory_of_file(int file);

/* How bytes get there. */
enum copy_reach {
	COPY_REACH_IO,	   /* I/O lands in its pages */
	COPY_REACH_MEMCPY, /* a dma-buf: its map has no pages that I/O could pin */
	COPY_REACH_CALLS,  /* no map at all, only read and write calls */
};

struct copy_window {
	char *bytes;
	size_t size; /* maybe less than asked for, maybe 0 */
	union {
		struct buffer_window buffer;
		struct {
			void *map;
			size_t map_size;
		};
	};
};

struct copy_memory_ops {
	/* As buffer_fill_begin(); finish() ends it. */
	int (*begin)(struct copy_memory *memory, off_t offset, uint64_t length, uint64_t room);
	/* As buffer_fill_finish(). */
	int (*finish)(struct copy_memory *memory, uint64_t arrived, uint64_t touched);

	/* After begin(), if that is called. */
	enum copy_reach (*reach)(struct copy_memory *memory);
	bool (*has_large_pages)(struct copy_memory *memory);
	uint64_t (*size)(struct copy_memory *memory);
	/* lseek(2) with SEEK_DATA or SEEK_HOLE. */
	off_t (*seek)(struct copy_memory *memory, off_t offset, int whence);

	/* Not with COPY_REACH_CALLS. */
	int (*open_window)(struct copy_memory *memory, struct copy_window *window, off_t offset,
			   size_t size, bool write);
	int (*close_window)(struct copy_memory *memory, struct copy_window *window);

	ssize_t (*read)(struct copy_memory *memory, void *data, size_t size, off_t offset);
	ssize_t (*write)(struct copy_memory *memory, const void *data, size_t size, off_t offset);

	/* Whether there is an fd that copy_file_range(2) could be tried with. */
	bool (*kernel_may_copy)(struct copy_memory *memory);
	ssize_t (*copy_in)(struct copy_memory *memory, off_t offset, int from, off_t from_offset,
			   size_t size);
	ssize_t (*copy_out)(struct copy_memory *memory, off_t offset, int to, off_t to_offset,
			    size_t size);
};

#endif
