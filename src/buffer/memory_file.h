/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory whose size the kernel keeps: a file on tmpfs. What programs do to it
 * by passthrough the daemon never sees, so nothing is remembered here that the
 * file itself can be asked for.
 *
 * This is what memory_tree.c and memory_own.c have in common; the functions are
 * as struct memory_ops has them, with no limit but the filesystem's.
 */
#ifndef BUFFER_MEMORY_FILE_H
#define BUFFER_MEMORY_FILE_H

#include "buffer/memory.h"

static inline uint64_t bytes_missing(uint64_t wanted, uint64_t there)
{
	return wanted > there ? wanted - there : 0;
}

static inline uint64_t bytes_held(const struct stat *st)
{
	return (uint64_t)st->st_blocks * 512;
}

/* Memory that a file of @size would need beyond what it has; it stays sparse. */
uint64_t file_growth(const struct stat *st, off_t size);

ssize_t file_read(struct buffer *buffer, void *data, size_t size, off_t offset);
ssize_t file_write(struct buffer *buffer, const void *data, size_t size, off_t offset);
off_t file_seek(struct buffer *buffer, off_t offset, int whence);
off_t file_size(struct buffer *buffer);
uint64_t file_capacity(struct buffer *buffer);
ssize_t file_copy(struct buffer *from, off_t from_offset, struct buffer *to, off_t to_offset,
		  size_t size);
int file_truncate(struct buffer *buffer, off_t size);
int file_allocate(struct buffer *buffer, int mode, off_t offset, off_t length);
int file_open_window(struct buffer *buffer, struct buffer_window *window, off_t offset);
int file_close_window(struct buffer *buffer, struct buffer_window *window);
int file_begin_fill(struct buffer *buffer, struct buffer_fill *fill);
int file_finish_fill(struct buffer *buffer, uint64_t size, uint64_t waste, uint64_t waste_end);
void file_release(struct buffer *buffer);

#endif
