// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/dmabuf.h"

#include "util/scope.h"

#include <linux/dma-buf.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* --- memory ---------------------------------------------------------------------- */

void dmabuf_init(struct dmabuf *dmabuf)
{
	dmabuf->fd = -1;
	dmabuf->file = -1;
	dmabuf->takes_io = false;
	dmabuf->capacity = 0;
	atomic_init(&dmabuf->map, NULL);
}

void dmabuf_set_fd(struct dmabuf *dmabuf, struct heap *heap, int fd)
{
	dmabuf->fd = fd;
	dmabuf->takes_io = heap->ops->takes_io && heap->ops->takes_io(heap, fd);
}

int dmabuf_alloc(struct dmabuf *dmabuf, struct heap *heap, size_t capacity)
{
	const int fd = heap->ops->alloc(heap, capacity);

	dmabuf_init(dmabuf);
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
	dmabuf_init(dmabuf);
}

void dmabuf_move(struct dmabuf *to, struct dmabuf *from)
{
	to->fd = from->fd;
	to->file = from->file;
	to->takes_io = from->takes_io;
	to->capacity = from->capacity;
	atomic_init(&to->map, atomic_load(&from->map));
	dmabuf_init(from);
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
