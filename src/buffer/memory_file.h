/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that is a file: on the mount's tmpfs, a memfd, or a file of a mount that
 * another process serves. The kernel keeps its size. Passthrough writes change it
 * without the daemon's knowledge, so nothing is cached that fstat(2) can tell.
 *
 * These functions are shared by memory_tmpfs.c, memory_memfd.c and
 * memory_mounted.c. They are as struct memory_ops describes them, with no limit
 * but the filesystem's.
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

/* The memory that a file of @size, still sparse, could take beyond what it has. */
uint64_t file_growth(const struct stat *st, off_t size);

/* Deallocates [offset, offset + length), which reads as zeroes then. 0 or -errno. */
int file_punch_hole(int file, off_t offset, off_t length);

ssize_t file_read(struct buffer *buffer, void *data, size_t size, off_t offset);
ssize_t file_write(struct buffer *buffer, const void *data, size_t size, off_t offset);
off_t file_seek(struct buffer *buffer, off_t offset, int whence);
off_t file_size(struct buffer *buffer);
uint64_t file_capacity(struct buffer *buffer);
bool file_has_large_pages(struct buffer *buffer);
int file_copy_fd(struct buffer *buffer);
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
