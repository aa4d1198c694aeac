// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lib/dmaheapfs.h"

#include "lib/client.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int open_file(const char *path, int flags)
{
	/* Opening a FIFO would wait for its other end. */
	const int file = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);

	return file < 0 ? -errno : file;
}

/* Redeems a ticket for @want of the file at @path, opened with @flags. */
static int fetch(const char *path, int flags, enum fdpass_want want)
{
	const int file = open_file(path, flags);

	if (file < 0)
		return file;
	const int result = fdpass_redeem(file, path, want, -1);

	close(file);
	return result;
}

int dmaheap_export(const char *path)
{
	return fetch(path, O_RDWR, FDPASS_DMABUF);
}

int dmaheap_export_fd(int file)
{
	return fdpass_redeem(file, NULL, FDPASS_DMABUF, -1);
}

int dmaheap_memory(const char *path, int rights)
{
	return fetch(path, rights & DMAHEAP_WRITE ? O_RDWR : O_RDONLY, FDPASS_MEMORY);
}

int dmaheap_memory_fd(int file)
{
	return fdpass_redeem(file, NULL, FDPASS_MEMORY, -1);
}

int dmaheap_query_fd(int file, struct dmaheap_info *info)
{
	struct fdpass_info found;

	_Static_assert(DMAHEAP_IS_DMABUF == FDPASS_IS_DMABUF, "flags");
	_Static_assert(DMAHEAP_EXPORTED == FDPASS_EXPORTED, "flags");
	if (ioctl(file, FDPASS_IOC_QUERY, &found))
		return errno == ENOTTY ? -ENODEV : -errno;
	*info = (struct dmaheap_info){
		.size = found.size,
		.capacity = found.capacity,
		.flags = found.flags,
		.device = found.device,
		.inode = found.inode,
	};
	memcpy(info->heap, found.heap, sizeof(info->heap));
	return 0;
}

int dmaheap_query(const char *path, struct dmaheap_info *info)
{
	const int file = open_file(path, O_RDONLY);

	if (file < 0)
		return file;
	const int result = dmaheap_query_fd(file, info);

	close(file);
	return result;
}

/* --- CPU access ------------------------------------------------------------------ */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/*
 * DMA_BUF_IOCTL_SYNC waits without a limit, and no signal interrupts it. So poll first: a
 * dma-buf is writable if no device uses it, and readable if none writes to it.
 */
static int wait_for_devices(int dmabuf, int access, int timeout)
{
	struct pollfd polled = {.fd = dmabuf,
				.events = access & DMAHEAP_CPU_WRITE ? POLLOUT : POLLIN};
	const int64_t end = now_ms() + timeout;
	int count;

	do {
		const int64_t left = timeout < 0 ? -1 : end - now_ms();

		count = poll(&polled, 1, timeout < 0 ? -1 : left > 0 ? (int)left : 0);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return -errno;
	if (polled.revents & POLLNVAL)
		return -EBADF;
	return count ? 0 : -ETIMEDOUT;
}

static int sync_cpu(int dmabuf, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags};
	int error;

	do {
		error = ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync) ? -errno : 0;
	} while (error == -EINTR || error == -EAGAIN);
	return error == -ENOTTY ? -EINVAL : error;
}

static int is_access(int access)
{
	return access && !(access & ~(DMAHEAP_CPU_READ | DMAHEAP_CPU_WRITE));
}

int dmaheap_begin_cpu_access(int dmabuf, int access, int timeout)
{
	_Static_assert(DMAHEAP_CPU_READ == DMA_BUF_SYNC_READ, "flags");
	_Static_assert(DMAHEAP_CPU_WRITE == DMA_BUF_SYNC_WRITE, "flags");
	if (!is_access(access))
		return -EINVAL;
	/* poll() ignores negative fds and would wait. */
	if (dmabuf < 0)
		return -EBADF;
	const int error = wait_for_devices(dmabuf, access, timeout);

	return error ? error : sync_cpu(dmabuf, DMA_BUF_SYNC_START | (uint64_t)access);
}

int dmaheap_end_cpu_access(int dmabuf, int access)
{
	if (!is_access(access))
		return -EINVAL;
	return sync_cpu(dmabuf, DMA_BUF_SYNC_END | (uint64_t)access);
}

/* --- import ---------------------------------------------------------------------- */

/* An imported file has size 0. fallocate() sets it and changes no byte. */
static int import_into(int file, const char *path, int dmabuf)
{
	const int error = fdpass_redeem(file, path, FDPASS_IMPORT, dmabuf);
	const off_t size = error ? 0 : lseek(dmabuf, 0, SEEK_END);

	if (error || size < 0)
		return error ? error : -errno;
	return fallocate(file, 0, 0, size) ? -errno : 0;
}

int dmaheap_import(const char *path, int dmabuf)
{
	const int file = open_file(path, O_RDWR | O_CREAT | O_EXCL);

	if (file < 0)
		return file;
	const int error = import_into(file, path, dmabuf);

	if (error)
		unlink(path);
	close(file);
	return error;
}

/* --- errors ---------------------------------------------------------------------- */

const char *dmaheap_strerror(int error)
{
	static const struct {
		int error;
		const char *text;
	} texts[] = {
		{EACCES, "no permission for the file, or it is not open as this needs it"},
		{EBADF, "the fd is not open, or was opened with O_PATH"},
		{EBUSY, "the file is mapped, being written, or open elsewhere"},
		{EEXIST, "there is already a file of that name"},
		{EFBIG, "the heap makes no dma-buf of that size; for udmabuf, raise size_limit_mb"},
		{EINVAL, "not a dma-buf, or invalid argument"},
		{ENODATA, "the file is empty and has no memory yet"},
		{ENODEV, "not a file of a dmaheapfs mount"},
		{ENOENT, "no such file, or no directory of its mount is visible here"},
		{ENOSPC, "the mount has too little memory left"},
		{ENOTCONN, "the daemon can no longer reach its mount"},
		{EOPNOTSUPP, "not supported by the heap of the mount; see dmaheapctl heaps"},
		{EROFS, "the mount is read-only"},
		{ESTALE, "ticket expired or evicted; try again"},
		{ETIMEDOUT, "timed out waiting for a device or the daemon"},
	};

	if (error >= 0)
		return "success";
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].error == -error)
			return texts[i].text;
	return strerror(-error);
}
