// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file on the mount's own tmpfs. The kernel keeps its limits, blocks and times,
 * and stat(2) of the file in the tree shows them.
 */
#include "buffer/memory_file.h"

#include <errno.h>
#include <sys/statfs.h>

/* tmpfs would let a sparse file promise more than there is. */
static int check_free_space(int file, uint64_t bytes)
{
	struct statfs fs;

	if (fstatfs(file, &fs))
		return -errno;
	if (fs.f_blocks == 0) /* no limit */
		return 0;
	return bytes / fs.f_bsize > fs.f_bfree ? -ENOSPC : 0;
}

static int tmpfs_truncate(struct buffer *buffer, off_t size)
{
	struct stat st;

	if (fstat(buffer->file, &st))
		return -errno;
	const uint64_t growth = file_growth(&st, size);
	const int error = growth ? check_free_space(buffer->file, growth) : 0;

	return error ? error : file_truncate(buffer, size);
}

static int tmpfs_set_times(struct buffer *buffer, const struct timespec times[2])
{
	(void)buffer;
	(void)times;
	return 0;
}

const struct memory_ops memory_tmpfs = {
	.state = BUFFER_FILE,
	.access = BUFFER_ACCESS_IO,
	.read = file_read,
	.write = file_write,
	.seek = file_seek,
	.size = file_size,
	.capacity = file_capacity,
	.set_times = tmpfs_set_times,
	.copy = file_copy,
	.has_large_pages = file_has_large_pages,
	.copy_fd = file_copy_fd,
	.truncate = tmpfs_truncate,
	.allocate = file_allocate,
	.open_window = file_open_window,
	.close_window = file_close_window,
	.begin_fill = file_begin_fill,
	.finish_fill = file_finish_fill,
	.release = file_release,
};
