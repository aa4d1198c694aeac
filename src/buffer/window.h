/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes that enter and leave a buffer by other ways than its read and write
 * calls: read from a disk into its very pages, a piece at a time and several
 * at once. fill_begin() makes room for all of it, windows give access to the
 * pieces, fill_finish() settles what the file is afterwards.
 */
#ifndef BUFFER_WINDOW_H
#define BUFFER_WINDOW_H

#include "buffer/bracket.h"
#include "buffer/buffer.h"

struct buffer_fill {
	off_t offset;
	uint64_t length;
	uint64_t room; /* for it and what follows; 0: not known */
	/*
	 * What fill_begin() made of the size. A memory file is as long as what is
	 * to come, or its pages could not be mapped; pages do not need that.
	 */
	uint64_t old_size, set_size;
};

/*
 * Makes room for [offset, offset + length), length not 0. @room is how many bytes
 * will come there altogether, in this and in later copies, no less than length: for
 * these there is room at once, where it is to be had. 0: nobody knows; but for the
 * first of what may be many pieces it is more then, if there is more. -ENOSPC when
 * there is not as much as length, -EBUSY when the memory is exported and too small;
 * the buffer is as it was then. Pages are taken here; a memory file's come with the
 * bytes, and in the end there may be less memory than there was here, if others
 * were faster.
 */
int buffer_fill_begin(struct buffer_fill *fill, struct buffer *buffer, off_t offset,
		      uint64_t length, uint64_t room);

/*
 * Of the range, the first @arrived bytes are there, and up to @touched bytes
 * may have been written to. What did not arrive does not count for the size,
 * and what lies behind the size is zero.
 */
int buffer_fill_finish(struct buffer_fill *fill, struct buffer *buffer, uint64_t arrived,
		       uint64_t touched);

/*
 * A piece of a buffer in this process's memory, and CPU access to it. While it
 * is open the buffer does not change its memory or size; who opens it, closes
 * it, soon, and calls nothing else on this buffer meanwhile.
 */
struct buffer_window {
	char *bytes;
	size_t size; /* less than asked for, 0 too, where the memory ends before */
	struct buffer *buffer;
	struct cpu_access access;
	uint64_t reserved; /* of the budget */
	char *map;	   /* what is to be unmapped; NULL: nothing */
	size_t map_size;
};

/* -EBUSY when a device does not let go of the memory in time. */
int buffer_window_open(struct buffer_window *window, struct buffer *buffer, off_t offset,
		       size_t size, bool write);

/* An error means that devices may not see what was written. */
int buffer_window_close(struct buffer_window *window);

/*
 * The buffer's dma-buf, for the kernel to copy to or from, kept from changing
 * until buffer_dmabuf_done(). -EOPNOTSUPP where there is none.
 */
int buffer_dmabuf_use(struct buffer *buffer);
void buffer_dmabuf_done(struct buffer *buffer);

#endif
