/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access to a buffer's memory for I/O that does not go through buffer_read() and
 * buffer_write(): a copy reads from a disk into the pages themselves, in several
 * pieces at once. buffer_fill_begin() makes room for the copy, windows map the
 * pieces, and buffer_fill_finish() sets the resulting size.
 */
#ifndef BUFFER_WINDOW_H
#define BUFFER_WINDOW_H

#include "buffer/buffer.h"
#include "buffer/cpu_access.h"

/* The ways in which bytes get into the memory. */
enum buffer_access {
	BUFFER_ACCESS_IO,     /* I/O into the pages of a map */
	BUFFER_ACCESS_MEMCPY, /* a map without pages that I/O could pin: a dma-buf */
	BUFFER_ACCESS_CALLS,  /* no map, only buffer_read() and buffer_write() */
};

struct buffer_fill {
	off_t offset;
	uint64_t length;
	uint64_t room; /* for this and later copies; 0: not known */
	/*
	 * The sizes before and after buffer_fill_begin(). A memory file is extended
	 * there, since pages beyond its end cannot be mapped. A dma-buf is not.
	 */
	uint64_t old_size, set_size;
};

/*
 * Makes room for [offset, offset + length), length not 0. @room is the number of
 * bytes that this and later copies will write there altogether, at least length;
 * room for all of them is made now if possible. If it is 0, a fill beyond the start
 * may be one of many, and gets room in advance.
 *
 * -ENOSPC if there is not enough for @length, -EBUSY if the memory is exported and
 * too small; the buffer is as it was then. A dma-buf is allocated here. The pages
 * of a memory file come with the bytes, so memory may still run out later.
 */
int buffer_fill_begin(struct buffer_fill *fill, struct buffer *buffer, off_t offset,
		      uint64_t length, uint64_t room);

/*
 * Ends the fill. The first @arrived bytes of the range are there; up to @touched
 * bytes may have been written. Bytes that did not arrive do not count for the size,
 * and bytes beyond the size are zeroed.
 */
int buffer_fill_finish(struct buffer_fill *fill, struct buffer *buffer, uint64_t arrived,
		       uint64_t touched);

/*
 * A piece of a buffer, mapped here, with CPU access to it. While it is open the
 * buffer does not change its memory or size. The thread that opens it closes it,
 * soon, and does not call the buffer meanwhile.
 */
struct buffer_window {
	char *bytes;
	size_t size; /* less than asked for, or 0, if the memory ends before */
	struct buffer *buffer;
	struct cpu_access access;
	uint64_t reserved; /* of the quota */
	uint64_t entered;  /* as in quota_enter() */
	char *map;	   /* to be unmapped; NULL: nothing */
	size_t map_size;
};

/* -EBUSY if a device keeps using the memory for too long. */
int buffer_window_open(struct buffer_window *window, struct buffer *buffer, off_t offset,
		       size_t size, bool write);

/* On an error devices may not see the bytes that were written. */
int buffer_window_close(struct buffer_window *window);

enum buffer_access buffer_access(struct buffer *buffer);

/* The memory consists of huge pages. */
bool buffer_has_large_pages(struct buffer *buffer);

/* There is an fd of the memory that copy_file_range(2) can be tried on. */
bool buffer_may_copy_file_range(struct buffer *buffer);

/*
 * copy_file_range(2) between the memory and @file. Neither raises the logical size.
 * -EOPNOTSUPP if there is no fd to try it on.
 */
ssize_t buffer_copy_from_file(struct buffer *buffer, off_t offset, int file, off_t file_offset,
			      size_t size);
ssize_t buffer_copy_to_file(struct buffer *buffer, off_t offset, int file, off_t file_offset,
			    size_t size);

#endif
