// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/dmabuf.h"

#include "buffer/memory.h"
#include "util/math.h"
#include "util/scope.h"
#include "util/thread.h"

#include <linux/dma-buf.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* --- memory ---------------------------------------------------------------------- */

void dmabuf_set_fd(struct dmabuf *dmabuf, struct heap *heap, int fd)
{
	dmabuf->fd = fd;
	dmabuf->takes_io = heap->ops->takes_io && heap->ops->takes_io(heap, fd);
}

int dmabuf_alloc(struct dmabuf *dmabuf, struct heap *heap, size_t capacity)
{
	const int fd = heap->ops->alloc(heap, capacity);

	*dmabuf = NO_DMABUF;
	if (fd < 0)
		return fd == -ENOMEM ? -ENOSPC : fd;
	dmabuf->file = fd;
	dmabuf->capacity = capacity;
	dmabuf_set_fd(dmabuf, heap, fd);
	return 0;
}

/* Two threads may both map: the first to publish its map wins, the other unmaps its own. */
int dmabuf_map(struct dmabuf *dmabuf, char **map)
{
	char *other = NULL;

	*map = atomic_load(&dmabuf->map);
	if (*map)
		return 0;
	char *fresh =
		mmap(NULL, dmabuf->capacity, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf->file, 0);

	if (fresh == MAP_FAILED)
		return -errno;
	if (atomic_compare_exchange_strong(&dmabuf->map, &other, fresh)) {
		*map = fresh;
	} else {
		munmap(fresh, dmabuf->capacity);
		*map = other;
	}
	return 0;
}

void dmabuf_unmap(struct dmabuf *dmabuf)
{
	char *map = atomic_exchange(&dmabuf->map, NULL);

	if (map)
		munmap(map, dmabuf->capacity);
}

void dmabuf_free(struct dmabuf *dmabuf)
{
	dmabuf_unmap(dmabuf);
	if (dmabuf->file != dmabuf->fd)
		close_fd(dmabuf->file);
	close_fd(dmabuf->fd);
	*dmabuf = NO_DMABUF;
}

void dmabuf_move(struct dmabuf *to, struct dmabuf *from)
{
	to->fd = from->fd;
	to->file = from->file;
	to->takes_io = from->takes_io;
	to->capacity = from->capacity;
	atomic_init(&to->map, atomic_load(&from->map));
	*from = NO_DMABUF;
}

/* --- questions to the kernel ----------------------------------------------------- */

/*
 * DMA_BUF_IOCTL_SYNC waits for the device's fences without a limit, and no signal
 * interrupts it. So poll first, for as long as a caller of read(2) can be expected
 * to wait.
 */
#define IDLE_TIMEOUT_MS 1000

/* Copies into @rest the line of /proc/self/fdinfo that begins with @key, without the key. */
static bool read_fdinfo(int fd, const char *key, char rest[static 256])
{
	char path[40], line[256];
	bool found = false;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	FILE *info = fopen(path, "re");

	while (info && !found && fgets(line, sizeof(line), info))
		found = !strncmp(line, key, strlen(key));
	if (info)
		fclose(info);
	if (found)
		strcpy(rest, line + strlen(key));
	return found;
}

bool fd_is_dmabuf(int fd)
{
	char exporter[256];

	return read_fdinfo(fd, "exp_name:", exporter);
}

/* The count does not include the reference that reading it takes. */
bool dmabuf_is_held(struct heap *heap, int fd)
{
	char count[256];

	(void)heap;
	return read_fdinfo(fd, "count:", count) && strtol(count, NULL, 10) > 1;
}

/* An empty read: a kernel without file I/O on this dma-buf refuses even that. */
bool dmabuf_takes_io(struct heap *heap, int fd)
{
	(void)heap;
	return pread(fd, NULL, 0, 0) == 0;
}

/* A dma-buf polls writable if no device uses it, and readable if none writes to it. */
int dmabuf_wait_idle(struct heap *heap, int fd, bool write)
{
	struct pollfd polled = {.fd = fd, .events = write ? POLLOUT : POLLIN};
	int count;

	(void)heap;
	do {
		count = poll(&polled, 1, IDLE_TIMEOUT_MS);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return -errno;
	return count == 0 ? -EBUSY : 0;
}

int dmabuf_sync(struct heap *heap, int fd, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags};
	int error;

	(void)heap;
	do {
		error = ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) ? -errno : 0;
	} while (error == -EINTR || error == -EAGAIN);
	return error;
}

#define FILL_TIMEOUT_MS 1000

/* DMA_BUF_IOCTL_SYNC does the same, but waits for a source that hangs. A map does not. */
int dmabuf_fill_rest(const struct dmabuf *dmabuf)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int left = FILL_TIMEOUT_MS;; left--) {
		void *map = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, dmabuf->fd, 0);

		if (map != MAP_FAILED) {
			munmap(map, page_size());
			return 0;
		}
		if (errno != EBUSY || left == 0)
			return -errno;
		nanosleep(&pause, NULL);
	}
}

/* --- I/O on a buffer's dma-buf ------------------------------------------------------- */

#define COPY_STEP (1u << 20)

/* An access to a dma-buf: by its map, or by system calls if @map is NULL. */
struct io {
	const struct dmabuf *dmabuf;
	struct cpu_access access;
	char *map;
};

static int io_begin(struct io *io, struct heap *heap, struct dmabuf *dmabuf, pthread_rwlock_t *lock,
		    bool write)
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
		const ssize_t n =
			call_kernel(fd, skip(bytes, *moved), size - *moved, offset + (off_t)*moved);

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
	pthread_rwlock_t lock;
	struct io from, to;
	int error = io_begin_on(&from, buffer, false);

	if (error)
		return error;
	fair_rwlock_init(&lock);
	error = io_begin(&to, buffer->heap, fresh, &lock, true);
	if (!error)
		error = io_end(&to, copy(&from, &to, size));
	pthread_rwlock_destroy(&lock);
	return io_end(&from, error);
}
