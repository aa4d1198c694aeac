// SPDX-License-Identifier: GPL-2.0-or-later
/* The lock and the checks around memory_ops' fill and window. */
#include "buffer/window.h"

#include "buffer/hold.h"
#include "buffer/memory.h"

#include <errno.h>

int buffer_fill_begin(struct buffer_fill *fill, struct buffer *buffer, off_t offset,
		      uint64_t length, uint64_t room)
{
	*fill = (struct buffer_fill){.offset = offset, .length = length, .room = room};
	if (offset < 0)
		return -EINVAL;
	if (length > (uint64_t)(INT64_MAX - offset))
		return -EFBIG;
	with_exclusive(buffer);
	return buffer->ops->begin_fill(buffer, fill);
}

/* What the size is to be; the same however the memory has changed meanwhile. */
static uint64_t settled_size(const struct buffer_fill *fill, uint64_t size, uint64_t arrived_end)
{
	bool raised = fill->set_size > fill->old_size && size == fill->set_size;

	return larger(arrived_end, raised ? fill->old_size : size);
}

int buffer_fill_finish(struct buffer_fill *fill, struct buffer *buffer, uint64_t arrived,
		       uint64_t touched)
{
	const uint64_t begin = (uint64_t)fill->offset;
	with_exclusive(buffer);
	const uint64_t now = (uint64_t)buffer->ops->size(buffer);
	const uint64_t size = settled_size(fill, now, arrived ? begin + arrived : 0);

	/* Bytes that were there before stay, or are what the copy wrote over them. */
	return buffer->ops->finish_fill(buffer, size, larger(begin + arrived, fill->old_size),
					begin + touched);
}

int buffer_window_open(struct buffer_window *window, struct buffer *buffer, off_t offset,
		       size_t size, bool write)
{
	int err;

	*window = (struct buffer_window){.buffer = buffer, .size = size};
	window->access = (struct cpu_access){.bracket = &buffer->bracket, .fd = -1, .write = write};
	if (offset < 0 || size > (uint64_t)(INT64_MAX - offset))
		return -EINVAL;
	share(buffer);
	err = buffer->ops->open_window(buffer, window, offset);
	if (err)
		end_share(buffer);
	return err;
}

int buffer_window_close(struct buffer_window *window)
{
	struct buffer *buffer = window->buffer;
	int err = buffer->ops->close_window(buffer, window);

	end_share(buffer);
	return err;
}

int buffer_dmabuf_use(struct buffer *buffer)
{
	share(buffer);
	if (buffer->pages.dmabuf >= 0)
		return buffer->pages.dmabuf;
	end_share(buffer);
	return -EOPNOTSUPP;
}

void buffer_dmabuf_done(struct buffer *buffer)
{
	end_share(buffer);
}
