// SPDX-License-Identifier: GPL-2.0-or-later
/* Locks and checks around the windows and fills of struct memory_ops. */
#include "buffer/window.h"

#include "buffer/lock.h"
#include "util/math.h"

#include <errno.h>

int buffer_fill_begin(struct buffer_fill *fill, struct buffer *buffer, off_t offset,
		      uint64_t length, uint64_t room)
{
	*fill = (struct buffer_fill){.offset = offset, .length = length, .room = room};
	if (offset < 0)
		return -EINVAL;
	if (length > (uint64_t)(INT64_MAX - offset))
		return -EFBIG;
	guard(buffer_exclusive)(buffer);
	return buffer->ops->begin_fill(buffer, fill);
}

/* The resulting size, even if the memory has changed meanwhile. */
static uint64_t settled_size(const struct buffer_fill *fill, uint64_t size, uint64_t arrived_end)
{
	const bool raised = fill->set_size > fill->old_size && size == fill->set_size;

	return max_u64(arrived_end, raised ? fill->old_size : size);
}

int buffer_fill_finish(struct buffer_fill *fill, struct buffer *buffer, uint64_t arrived,
		       uint64_t touched)
{
	const uint64_t begin = (uint64_t)fill->offset;
	guard(buffer_exclusive)(buffer);
	const uint64_t now = (uint64_t)buffer->ops->size(buffer);
	const uint64_t size = settled_size(fill, now, arrived ? begin + arrived : 0);

	/* Bytes before the old end stay, or were overwritten by the copy. */
	return buffer->ops->finish_fill(buffer, size, max_u64(begin + arrived, fill->old_size),
					begin + touched);
}

int buffer_window_open(struct buffer_window *window, struct buffer *buffer, off_t offset,
		       size_t size, bool write)
{
	*window = (struct buffer_window){.buffer = buffer, .size = size};
	window->access = (struct cpu_access){.lock = &buffer->cpu_access, .fd = -1, .write = write};
	if (offset < 0 || size > (uint64_t)(INT64_MAX - offset))
		return -EINVAL;
	window->entered = write ? size : 0;
	int error = quota_enter(buffer->quota, window->entered);

	if (error)
		return error;
	buffer_lock_shared(buffer);
	error = buffer->ops->open_window(buffer, window, offset);
	if (!error)
		return 0;
	buffer_unlock_shared(buffer);
	quota_leave(buffer->quota, window->entered);
	return error;
}

int buffer_window_close(struct buffer_window *window)
{
	struct buffer *buffer = window->buffer;
	const int error = buffer->ops->close_window(buffer, window);

	buffer_unlock_shared(buffer);
	quota_leave(buffer->quota, window->entered);
	return error;
}

enum buffer_access buffer_access(struct buffer *buffer)
{
	if (buffer_is_in_tmpfs(buffer))
		return buffer->ops->access;
	guard(buffer_shared)(buffer);
	return buffer->ops->get_access ? buffer->ops->get_access(buffer) : buffer->ops->access;
}

bool buffer_has_large_pages(struct buffer *buffer)
{
	if (buffer_is_in_tmpfs(buffer))
		return buffer->ops->has_large_pages(buffer);
	guard(buffer_shared)(buffer);
	return buffer->ops->has_large_pages && buffer->ops->has_large_pages(buffer);
}

/* With the shared lock, so that the memory is not replaced during the copy. */
static int copy_fd(struct buffer *buffer)
{
	return buffer->ops->copy_fd ? buffer->ops->copy_fd(buffer) : -1;
}

bool buffer_may_copy_file_range(struct buffer *buffer)
{
	guard(buffer_shared)(buffer);
	return copy_fd(buffer) >= 0;
}

ssize_t buffer_copy_from_file(struct buffer *buffer, off_t offset, int file, off_t file_offset,
			      size_t size)
{
	guard(buffer_shared)(buffer);
	const int fd = copy_fd(buffer);
	const int error = fd < 0 ? -EOPNOTSUPP : quota_enter(buffer->quota, size);

	if (error)
		return error;
	const ssize_t n = copy_file_range(file, &file_offset, fd, &offset, size, 0);

	quota_leave(buffer->quota, size);
	return n < 0 ? -errno : n;
}

ssize_t buffer_copy_to_file(struct buffer *buffer, off_t offset, int file, off_t file_offset,
			    size_t size)
{
	guard(buffer_shared)(buffer);
	const int fd = copy_fd(buffer);

	if (fd < 0)
		return -EOPNOTSUPP;
	const ssize_t n = copy_file_range(fd, &offset, file, &file_offset, size, 0);

	return n < 0 ? -errno : n;
}
