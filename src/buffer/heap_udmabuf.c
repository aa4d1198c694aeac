// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory files that /dev/udmabuf turns into dma-bufs. Of the module's two
 * limits only size_limit_mb matters: a buffer is one range, never a list.
 */
#include "buffer/heap.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif

#define PARAMETERS "/sys/module/udmabuf/parameters"

/* Up to here a limit is worth a word at mount. */
#define SMALL_LIMIT (1ull << 30)

struct udmabuf_heap {
	struct heap heap;
	int device;
};

uint64_t heap_udmabuf_limit(const char *parameters)
{
	char path[PATH_MAX];
	uint64_t megabytes;
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "%s/size_limit_mb", parameters);
	file = fopen(path, "re");
	if (!file)
		return UINT64_MAX;
	n = fscanf(file, "%" SCNu64, &megabytes);
	fclose(file);
	return n == 1 && megabytes < UINT64_MAX >> 20 ? megabytes << 20 : UINT64_MAX;
}

/* Kernels before 6.3 do not know MFD_NOEXEC_SEAL, later ones grumble when it is missing. */
static int new_memfd(void)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("dmaheapfs", flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("dmaheapfs", flags);
	return fd < 0 ? -errno : fd;
}

/*
 * Mode 0, so that nobody who comes by the fd opens the file anew with more
 * rights; times at the beginning of time, for the tree knows the real ones.
 */
static int udmabuf_alloc(struct heap *heap, size_t size)
{
	const struct timespec never[2] = {{0}, {0}};
	scope(fd) int fd = new_memfd();

	(void)heap;
	(void)size;
	if (fd < 0)
		return fd;
	if (fchmod(fd, 0) || futimens(fd, never))
		return -errno;
	return steal_fd(&fd);
}

/* Asked for anew each time: the parameter can be changed while mounted. */
static int udmabuf_may_export(struct heap *heap, size_t size)
{
	(void)heap;
	return size > heap_udmabuf_limit(PARAMETERS) ? -EFBIG : 0;
}

static int udmabuf_export(struct heap *heap, int fd, size_t size)
{
	struct udmabuf_heap *udmabuf = (struct udmabuf_heap *)heap;
	struct udmabuf_create request = {
		.memfd = (uint32_t)fd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};
	int dmabuf = ioctl(udmabuf->device, UDMABUF_CREATE, &request);

	return dmabuf < 0 ? -errno : dmabuf;
}

static void udmabuf_destroy(struct heap *heap)
{
	struct udmabuf_heap *udmabuf = (struct udmabuf_heap *)heap;

	close_fd(udmabuf->device);
	free(udmabuf);
}

/* The dma-buf holds on to the pages, so the file has done its duty. */
static int udmabuf_alloc_pages(struct heap *heap, size_t size)
{
	scope(fd) int file = udmabuf_alloc(heap, 0);

	if (file < 0)
		return file;
	if (udmabuf_may_export(heap, size))
		return -EFBIG;
	if (ftruncate(file, (off_t)size) || fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK))
		return -errno;
	return udmabuf_export(heap, file, size);
}

static const struct heap_ops udmabuf_pages_ops = {
	.memory = HEAP_PAGES,
	.alloc = udmabuf_alloc_pages,
	.wait_idle = dmabuf_wait_idle,
	.sync = dmabuf_sync,
	.is_held = dmabuf_is_held,
	.takes_io = dmabuf_takes_io,
	.destroy = udmabuf_destroy,
};

static const struct heap_ops udmabuf_ops = {
	.memory = HEAP_OWN_FILE,
	.alloc = udmabuf_alloc,
	.may_export = udmabuf_may_export,
	.export = udmabuf_export,
	.wait_idle = dmabuf_wait_idle,
	.sync = dmabuf_sync,
	.is_held = dmabuf_is_held,
	.takes_io = dmabuf_takes_io,
	.pages = &udmabuf_pages_ops,
	.destroy = udmabuf_destroy,
};

static int explain_open(int err, const char *dev, char why[static 256])
{
	if (err == -EACCES || err == -EPERM)
		snprintf(why, 256,
			 "no permission for %.60s/udmabuf: run as root, or give your group the "
			 "device by a udev rule",
			 dev);
	else if (err == -ENOENT || err == -ENODEV || err == -ENXIO)
		snprintf(
			why, 256,
			"no %.60s/udmabuf: run `modprobe udmabuf`; the kernel needs CONFIG_UDMABUF",
			dev);
	else
		snprintf(why, 256, "can't open %.60s/udmabuf: %s", dev, strerror(-err));
	return err;
}

static int open_device(const char *dev, char why[static 256])
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/udmabuf", dev) >= (int)sizeof(path))
		return explain_open(-ENAMETOOLONG, dev, why);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? explain_open(-errno, dev, why) : fd;
}

static int make_one_page(struct heap *heap)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	scope(fd) int fd = udmabuf_alloc(heap, 0);

	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)page) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		return -errno;
	return udmabuf_export(heap, fd, page);
}

static int probe(struct heap *heap, char why[static 256])
{
	scope(fd) int fd = make_one_page(heap);

	if (fd >= 0)
		return 0;
	snprintf(why, 256, "udmabuf is there but makes no dma-buf: %s", strerror(-fd));
	return fd == -ENOTTY ? -ENODEV : fd;
}

static void describe(struct heap *heap)
{
	uint64_t limit = heap_udmabuf_limit(PARAMETERS);

	snprintf(heap->name, sizeof(heap->name), "udmabuf");
	if (limit == UINT64_MAX)
		snprintf(heap->dmabuf, sizeof(heap->dmabuf), "yes: udmabuf");
	else
		snprintf(heap->dmabuf, sizeof(heap->dmabuf),
			 "yes: udmabuf, for files up to %" PRIu64 " MiB", limit >> 20);
	if (limit <= SMALL_LIMIT)
		snprintf(heap->advice, sizeof(heap->advice),
			 "udmabuf makes no dma-buf beyond %" PRIu64 " MiB; to raise that: "
			 "echo 65536 > " PARAMETERS "/size_limit_mb",
			 limit >> 20);
}

int heap_udmabuf_open(struct heap **opened, const char *dev, char why[static 256])
{
	scope(fd) int device = open_device(dev, why);
	struct udmabuf_heap *udmabuf;
	int err;

	if (device < 0)
		return device;
	udmabuf = calloc(1, sizeof(*udmabuf));
	if (!udmabuf) {
		snprintf(why, 256, "out of memory");
		return -ENOMEM;
	}
	udmabuf->heap.ops = &udmabuf_ops;
	udmabuf->device = steal_fd(&device);
	err = probe(&udmabuf->heap, why);
	if (err) {
		udmabuf_destroy(&udmabuf->heap);
		return err;
	}
	describe(&udmabuf->heap);
	*opened = &udmabuf->heap;
	return 0;
}
