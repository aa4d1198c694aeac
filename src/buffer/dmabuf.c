// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/heap.h"

#include <errno.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * DMA_BUF_IOCTL_SYNC waits for the device's fences, for ever if need be, and
 * no signal ends it. So wait for them here first, for as long as a caller of
 * read(2) can be asked to.
 */
#define IDLE_TIMEOUT_MS 1000

/* The rest of the line that begins with @key in what the kernel tells of an fd. */
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

bool dmabuf_is(int fd)
{
	char exporter[256];

	return read_fdinfo(fd, "exp_name:", exporter);
}

/* The kernel does not count its own look. */
bool dmabuf_is_held(struct heap *heap, int fd)
{
	char count[256];

	(void)heap;
	return read_fdinfo(fd, "count:", count) && strtol(count, NULL, 10) > 1;
}

/* No byte is asked for; a kernel that can't says so all the same. */
bool dmabuf_takes_io(struct heap *heap, int fd)
{
	(void)heap;
	return pread(fd, NULL, 0, 0) == 0;
}

/* A dma-buf polls writable when no device uses it, readable when none writes it. */
int dmabuf_wait_idle(struct heap *heap, int fd, bool write)
{
	struct pollfd waiting = {.fd = fd, .events = write ? POLLOUT : POLLIN};
	int n;

	(void)heap;
	do {
		n = poll(&waiting, 1, IDLE_TIMEOUT_MS);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -EBUSY : 0;
}

int dmabuf_sync(struct heap *heap, int fd, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags};
	int err;

	(void)heap;
	do {
		err = ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) ? -errno : 0;
	} while (err == -EINTR || err == -EAGAIN);
	return err;
}
