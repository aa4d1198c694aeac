// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A memory file on the mount's own tmpfs: its limits, blocks and times are the
 * kernel's, and the tree shows them.
 */
#include "buffer/memory_file.h"

#include <errno.h>
#include <sys/statfs.h>

/* tmpfs itself would let a sparse file promise more than there is. */
static int check_tree_has(int file, uint64_t bytes)
{
	struct statfs fs;

	if (fstatfs(file, &fs))
		return -errno;
	if (fs.f_blocks == 0) /* no limit */
		return 0;
	return bytes / fs.f_bsize > fs.f_bfree ? -ENOSPC : 0;
}

static int tree_truncate(struct buffer *buffer, off_t size)
{
	struct stat st;
	uint64_t more;
	int err = 0;

	if (fstat(buffer->file, &st))
		return -errno;
	more = file_growth(&st, size);
	if (more)
		err = check_tree_has(buffer->file, more);
	return err ? err : file_truncate(buffer, size);
}

static int tree_set_times(struct buffer *buffer, const struct timespec times[2])
{
	(void)buffer;
	(void)times;
	return 0;
}

static void tree_settle(struct buffer *buffer)
{
	(void)buffer;
}

const struct memory_ops memory_tree_file = {
	.state = BUFFER_SIZED_BY_KERNEL,
	.read = file_read,
	.write = file_write,
	.seek = file_seek,
	.size = file_size,
	.capacity = file_capacity,
	.set_times = tree_set_times,
	.copy = file_copy,
	.truncate = tree_truncate,
	.allocate = file_allocate,
	.open_window = file_open_window,
	.close_window = file_close_window,
	.begin_fill = file_begin_fill,
	.finish_fill = file_finish_fill,
	.settle = tree_settle,
	.release = file_release,
};
