// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/memory.h"
#include "util/math.h"
#include "util/scope.h"

#include <errno.h>
#include <string.h>

#define COPY_STEP (1u << 20)

/* An access to a dma-buf: by its map, or by system calls if @map is NULL. */
struct io {
	const struct dmabuf *dmabuf;
	struct cpu_access access;
	char *map;
};

static int io_begin(struct io *io, struct heap *heap, struct dmabuf *dmabuf,
		 struct cpu_access_lock *lock, bool write)
{
	*io = (struct io){
		.dmabuf = dmabuf,
		.access = {.lock = lock,
			   .heap = heap,
			   .fd = dmabuf->fd,
			   .write = write,
			   .by_kernel = dmabuf->takes_io},
	};
	const int error = dmabuf->takes_io ? 0 : dmabuf_map(dmabuf, &io->map);

	return error ? error : cpu_access_begin(&io->access);
}

static int io_begin_on(struct io *io, struct buffer *buffer, bool write)
{
	return io_begin(io, buffer->heap, &buffer->dmabuf, &buffer->cpu_access, write);
}

static int io_end(struct io *io, int error)
{
	const int end_error = cpu_access_end(&io->access);

	return error ? error : end_error;
}

/* The bytes' source or destination in our memory; the other one is NULL. */
struct bytes {
	const char *from;
	char *to;
};

static struct bytes skip(struct bytes bytes, size_t size)
{
	return (struct bytes){.from = bytes.from ? bytes.from + size : NULL,
			      .to = bytes.to ? bytes.to + size : NULL};
}

static ssize_t call_kernel(int fd, struct bytes bytes, size_t size, off_t offset)
{
	ssize_t n;

	do {
		n = bytes.from ? pwrite(fd, bytes.from, size, offset)
			       : pread(fd, bytes.to, size, offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -EIO : n;
}

static int move_by_kernel(int fd, struct bytes bytes, size_t size, off_t offset, size_t *moved)
{
	for (*moved = 0; *moved < size;) {
		const ssize_t n = call_kernel(fd, skip(bytes, *moved), size - *moved,
					      offset + (off_t)*moved);

		if (n < 0)
			return (int)n;
		*moved += (size_t)n;
	}
	return 0;
}

static int move(const struct io *io, struct bytes bytes, size_t size, off_t offset, size_t *moved)
{
	if (!io->map)
		return move_by_kernel(io->dmabuf->fd, bytes, size, offset, moved);
	if (bytes.from)
		memcpy(io->map + offset, bytes.from, size);
	else
		memcpy(bytes.to, io->map + offset, size);
	*moved = size;
	return 0;
}

int dmabuf_get(struct buffer *buffer, void *data, size_t size, off_t offset)
{
	struct io io;
	size_t moved;
	const int error = io_begin_on(&io, buffer, false);

	if (error)
		return error;
	return io_end(&io, move(&io, (struct bytes){.to = data}, size, offset, &moved));
}

int dmabuf_put(struct buffer *buffer, const void *data, size_t size, off_t offset, size_t *moved)
{
	struct io io;
	const int error = io_begin_on(&io, buffer, true);

	*moved = 0;
	if (error)
		return error;
	return io_end(&io, move(&io, (struct bytes){.from = data}, size, offset, moved));
}

static int zero(const struct io *io, uint64_t begin, uint64_t end)
{
	static const char zeros[64 << 10];
	size_t moved;
	int error = 0;

	if (io->map) {
		memset(io->map + begin, 0, end - begin);
		return 0;
	}
	for (; begin < end && !error; begin += moved)
		error = move(io, (struct bytes){.from = zeros}, min_u64(end - begin, sizeof(zeros)),
			     (off_t)begin, &moved);
	return error;
}

int dmabuf_zero(struct buffer *buffer, uint64_t begin, uint64_t end)
{
	struct io io;

	end = min_u64(end, buffer->dmabuf.capacity);
	if (begin >= end)
		return 0;
	const int error = io_begin_on(&io, buffer, true);

	return error ? error : io_end(&io, zero(&io, begin, end));
}

static int copy_by_calls(const struct io *from, const struct io *to, size_t size)
{
	scope(free) char *bounce = malloc(COPY_STEP);
	int error = bounce ? 0 : -ENOMEM;
	size_t n;

	for (size_t at = 0; at < size && !error; at += n) {
		error = move(from, (struct bytes){.to = bounce}, min_u64(size - at, COPY_STEP),
			     (off_t)at, &n);
		if (!error)
			error = move(to, (struct bytes){.from = bounce}, n, (off_t)at, &n);
	}
	return error;
}

static int copy(const struct io *from, const struct io *to, size_t size)
{
	if (!from->map || !to->map)
		return copy_by_calls(from, to, size);
	memcpy(to->map, from->map, size);
	return 0;
}

int dmabuf_copy_to(struct buffer *buffer, struct dmabuf *fresh, size_t size)
{
	struct cpu_access_lock lock;
	struct io from, to;
	int error = io_begin_on(&from, buffer, false);

	if (error)
		return error;
	cpu_access_lock_init(&lock);
	error = io_begin(&to, buffer->heap, fresh, &lock, true);
	if (!error)
		error = io_end(&to, copy(&from, &to, size));
	cpu_access_lock_finish(&lock);
	return io_end(&from, error);
}
