// SPDX-License-Identifier: GPL-2.0-or-later
/* A buffer of this process as the end of a copy. */
#include "copy/memory_end.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static int begin(struct copy_memory *memory, off_t offset, uint64_t length, uint64_t room)
{
	return buffer_fill_begin(&memory->fill, memory->buffer, offset, length, room);
}

static int finish(struct copy_memory *memory, uint64_t arrived, uint64_t touched)
{
	return buffer_fill_finish(&memory->fill, memory->buffer, arrived, touched);
}

static enum copy_reach reach(struct copy_memory *memory)
{
	switch (buffer_state(memory->buffer)) {
	case BUFFER_SIZED_BY_KERNEL:
	case BUFFER_PINNED_FILE:
		return COPY_REACH_IO;
	case BUFFER_PAGES:
	case BUFFER_EMPTY:
		break;
	}
	return COPY_REACH_MEMCPY;
}

static bool has_large_pages(struct copy_memory *memory)
{
	return buffer_has_large_pages(memory->buffer);
}

static uint64_t size(struct copy_memory *memory)
{
	return buffer_size(memory->buffer);
}

static off_t seek(struct copy_memory *memory, off_t offset, int whence)
{
	return buffer_seek(memory->buffer, offset, whence);
}

static int open_window(struct copy_memory *memory, struct copy_window *window, off_t offset,
		       size_t length, bool write)
{
	int err = buffer_window_open(&window->buffer, memory->buffer, offset, length, write);

	window->bytes = window->buffer.bytes;
	window->size = window->buffer.size;
	return err;
}

static int close_window(struct copy_memory *memory, struct copy_window *window)
{
	(void)memory;
	return buffer_window_close(&window->buffer);
}

static ssize_t read_bytes(struct copy_memory *memory, void *data, size_t length, off_t offset)
{
	return buffer_read(memory->buffer, data, length, offset);
}

static ssize_t write_bytes(struct copy_memory *memory, const void *data, size_t length,
			   off_t offset)
{
	return buffer_write(memory->buffer, data, length, offset);
}

static bool kernel_may_copy(struct copy_memory *memory)
{
	if (buffer_dmabuf_use(memory->buffer) < 0)
		return false;
	buffer_dmabuf_done(memory->buffer);
	return true;
}

static ssize_t copy_in(struct copy_memory *memory, off_t offset, int from, off_t from_offset,
		       size_t length)
{
	int dmabuf = buffer_dmabuf_use(memory->buffer);
	ssize_t n;

	if (dmabuf < 0)
		return dmabuf;
	n = copy_file_range(from, &from_offset, dmabuf, &offset, length, 0);
	n = n < 0 ? -errno : n;
	buffer_dmabuf_done(memory->buffer);
	return n;
}

static ssize_t copy_out(struct copy_memory *memory, off_t offset, int to, off_t to_offset,
			size_t length)
{
	int dmabuf = buffer_dmabuf_use(memory->buffer);
	ssize_t n;

	if (dmabuf < 0)
		return dmabuf;
	n = copy_file_range(dmabuf, &offset, to, &to_offset, length, 0);
	n = n < 0 ? -errno : n;
	buffer_dmabuf_done(memory->buffer);
	return n;
}

struct copy_memory copy_memory_of_buffer(struct buffer *buffer)
{
	static const struct copy_memory_ops ops = {
		.begin = begin,
		.finish = finish,
		.reach = reach,
		.has_large_pages = has_large_pages,
		.size = size,
		.seek = seek,
		.open_window = open_window,
		.close_window = close_window,
		.read = read_bytes,
		.write = write_bytes,
		.kernel_may_copy = kernel_may_copy,
		.copy_in = copy_in,
		.copy_out = copy_out,
	};

	return (struct copy_memory){.ops = &ops, .buffer = buffer, .file = -1};
}
