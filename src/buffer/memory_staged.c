// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A memory file that becomes a dma-buf: when an empty one is given a size or memory in
 * advance, or is copied into, or when it is exported. The kernel then uses the dma-buf in
 * place of the file, in every open. The file stays, empty, until the dma-buf is freed again.
 */
#include "buffer/memory_file.h"
#include "util/math.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Less than this is copied faster than a dma-buf is made, and often grows. */
#define SMALL (64u << 10)

/* Whether the file is empty. If it becomes a dma-buf, the buffer goes on with its times. */
static bool is_unused(struct buffer *buffer)
{
	struct stat st;

	if (fstat(buffer->file, &st) || st.st_size || st.st_blocks)
		return false;
	times_set(&buffer->record->times, &st);
	return true;
}

/* The kernel asks with KEEP_SIZE before it copies. */
static bool is_worth_a_dmabuf(int mode, off_t length)
{
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return false;
	return !(mode & FALLOC_FL_KEEP_SIZE) || length >= SMALL;
}

/* To be called after an attempt to allocate the dma-buf, which ended with @error. */
static int take_over(struct buffer *buffer, int error)
{
	if (buffer->dmabuf.fd >= 0)
		buffer->ops = &memory_dmabuf;
	return error;
}

/* -EBUSY means that the file is mapped or being filled, and so it stays. */
static int staged_allocate(struct buffer *buffer, int mode, off_t offset, off_t length)
{
	if (!is_worth_a_dmabuf(mode, length) || !is_unused(buffer))
		return memfd_allocate(buffer, mode, offset, length);
	const int error = take_over(buffer, fixed_allocate(buffer, mode, offset, length));

	return error == -EBUSY ? memfd_allocate(buffer, mode, offset, length) : error;
}

/* A size in advance is one of memory to be mapped or given away. */
static int staged_truncate(struct buffer *buffer, off_t size)
{
	if (size < SMALL || !is_unused(buffer))
		return memfd_truncate(buffer, size);
	const int error = take_over(buffer, fixed_truncate(buffer, size));

	return error == -EBUSY ? memfd_truncate(buffer, size) : error;
}

static int staged_begin_fill(struct buffer *buffer, struct buffer_fill *fill)
{
	if (!is_unused(buffer))
		return file_begin_fill(buffer, fill);
	const int error = take_over(buffer, fixed_begin_fill(buffer, fill));

	return error == -EBUSY ? file_begin_fill(buffer, fill) : error;
}

/* The file's memory is freed when the dma-buf has its bytes, and so both count once. */
static void replace_file(struct buffer *buffer, struct dmabuf *fresh, const struct stat *st,
			 uint64_t reserved)
{
	dmabuf_move(&buffer->dmabuf, fresh);
	atomic_store(&buffer->record->size, (uint64_t)st->st_size);
	times_set(&buffer->record->times, st);
	buffer->ops = &memory_dmabuf;
	file_truncate(buffer, 0);
	charge_settle(&buffer->charge, reserved, 0);
	quota_count_dmabuf(buffer->quota, buffer->dmabuf.capacity);
}

/* The kernel copies the bytes, and keeps out writers that pass this process. */
static int move_to_heap(struct buffer *buffer, const struct stat *st, size_t capacity)
{
	const uint64_t missing = bytes_missing(capacity, bytes_held(st));
	struct dmabuf fresh;
	int error = charge_reserve(&buffer->charge, missing);

	if (error)
		return error;
	error = dmabuf_alloc(&fresh, buffer->heap, capacity)
			?: buffer_move(buffer, &fresh, buffer->file, false);
	if (!error) {
		replace_file(buffer, &fresh, st, missing);
		return 0;
	}
	dmabuf_free(&fresh);
	charge_settle(&buffer->charge, missing, bytes_held(st));
	return error;
}

static int staged_export(struct buffer *buffer)
{
	struct stat st;

	if (fstat(buffer->file, &st))
		return -errno;
	if (st.st_size == 0)
		return -ENODATA;
	if ((uint64_t)st.st_size > SIZE_MAX - page_size())
		return -EFBIG;
	return move_to_heap(buffer, &st, page_round_up((uint64_t)st.st_size))
		       ?: fixed_export(buffer);
}

void dmabuf_return_to_file(struct buffer *buffer)
{
	struct stat st = {};

	if (buffer->file < 0 || buffer->dmabuf.fd >= 0)
		return;
	times_show(&buffer->record->times, &st);
	const struct timespec times[2] = {st.st_atim, st.st_mtim};

	futimens(buffer->file, times);
	buffer->ops = &memory_staged;
}

const struct memory_ops memory_staged = {
	.state = BUFFER_FILE,
	.access = BUFFER_ACCESS_IO,
	.read = file_read,
	.write = memfd_write,
	.seek = file_seek,
	.stat = memfd_stat,
	.size = file_size,
	.capacity = file_capacity,
	.set_times = memfd_set_times,
	.copy = memfd_copy,
	.has_large_pages = file_has_large_pages,
	.copy_fd = file_copy_fd,
	.truncate = staged_truncate,
	.allocate = staged_allocate,
	.open_window = memfd_open_window,
	.close_window = memfd_close_window,
	.begin_fill = staged_begin_fill,
	.finish_fill = memfd_finish_fill,
	.export = staged_export,
	.import = memfd_import,
	.settle = memfd_settle,
	.release = file_release,
};
