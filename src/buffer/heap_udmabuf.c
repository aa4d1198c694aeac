// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory files that /dev/udmabuf turns into dma-bufs. Of the module's two limits only
 * size_limit_mb applies, since a buffer is one range and never a list.
 */
#include "buffer/dmabuf.h"
#include "buffer/heap_device.h"
#include "util/explain.h"
#include "util/math.h"
#include "util/private_tmpfs.h"
#include "util/scope.h"

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

/* A limit up to this is reported at mount. */
#define SMALL_LIMIT (1ull << 30)

uint64_t heap_udmabuf_limit(const char *parameters)
{
	char path[PATH_MAX];
	uint64_t megabytes;

	snprintf(path, sizeof(path), "%s/size_limit_mb", parameters);
	FILE *file = fopen(path, "re");

	if (!file)
		return UINT64_MAX;
	const int count = fscanf(file, "%" SCNu64, &megabytes);

	fclose(file);
	return count == 1 && megabytes < UINT64_MAX >> 20 ? megabytes << 20 : UINT64_MAX;
}

/* MFD_NOEXEC_SEAL is known since 6.3; later kernels log a warning if it is missing. */
static int new_memfd(void)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("dmaheapfs", flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("dmaheapfs", flags);
	return fd < 0 ? -errno : fd;
}

/* A tmpfs for the memory files, if this kernel has one whose files can be sealed. */
static void udmabuf_limit(struct heap *heap, uint64_t size, const char *huge)
{
	char text[24], why[256];

	snprintf(text, sizeof(text), "%" PRIu64, size);
	const struct tmpfs_option settings[] = {
		{.key = "seals", .flag = true},
		{.key = "size", .value = text},
		{.key = "nr_inodes", .value = "0"},
		private_tmpfs_huge(huge),
		{},
	};
	scope(fd) int mount = private_tmpfs(settings, 0, why);

	heap_device_of(heap)->files = mount < 0 ? -1 : private_tmpfs_root(mount);
}

static int udmabuf_resize(struct heap *heap, uint64_t size)
{
	const int files = heap_device_of(heap)->files;

	return files < 0 ? 0 : private_tmpfs_resize(files, size);
}

static int new_file(const struct heap_device *device)
{
	if (device->files < 0)
		return new_memfd();
	const int fd = openat(device->files, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/*
 * Mode 0, so that no one can reopen the fd with more rights. Times at the epoch,
 * since the tree has the real ones and the later time is shown.
 */
static int udmabuf_alloc(struct heap *heap, size_t size)
{
	const struct timespec never[2] = {{0}, {0}};
	scope(fd) int fd = new_file(heap_device_of(heap));

	(void)size;
	if (fd < 0)
		return fd;
	if (fchmod(fd, 0) || futimens(fd, never))
		return -errno;
	return steal_fd(&fd);
}

/* Reads the limit each time: it can be changed while mounted. */
static int udmabuf_may_export(struct heap *heap, size_t size)
{
	(void)heap;
	return size > heap_udmabuf_limit(PARAMETERS) ? -EFBIG : 0;
}

static int udmabuf_export(struct heap *heap, int fd, size_t size)
{
	struct udmabuf_create request = {
		.memfd = (uint32_t)fd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};
	const int dmabuf = ioctl(heap_device_fd(heap), UDMABUF_CREATE, &request);

	return dmabuf < 0 ? -errno : dmabuf;
}

static const struct heap_ops udmabuf_ops = {
	.has_dmabufs = true,
	.limit = udmabuf_limit,
	.resize = udmabuf_resize,
	.alloc = udmabuf_alloc,
	.may_export = udmabuf_may_export,
	.export = udmabuf_export,
	.wait_idle = dmabuf_wait_idle,
	.sync = dmabuf_sync,
	.is_held = dmabuf_is_held,
	.takes_io = dmabuf_takes_io,
	.destroy = heap_device_destroy,
};

/* The limit does not apply here: a limit of 0 still leaves memory files. */
static int make_one_page(struct heap *heap)
{
	scope(fd) int file = udmabuf_alloc(heap, 0);

	if (file < 0)
		return file;
	if (ftruncate(file, (off_t)page_size()) || fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK))
		return -errno;
	return udmabuf_export(heap, file, page_size());
}

static int probe(struct heap *heap, char why[static 256])
{
	scope(fd) int fd = make_one_page(heap);

	if (fd >= 0)
		return 0;
	return explain(why, fd == -ENOTTY ? -ENODEV : fd,
		       "udmabuf is there but makes no dma-buf: %s", strerror(-fd));
}

static void describe(struct heap *heap, const char *name)
{
	const uint64_t limit = heap_udmabuf_limit(PARAMETERS);

	snprintf(heap->name, sizeof(heap->name), "%s", name);
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

int heap_udmabuf_open(struct heap **heap, const char *dev, char why[static 256])
{
	static const struct heap_device_type type = {
		.ops = &udmabuf_ops,
		.no_permission = "run as root, or give your group the device by a udev rule",
		.missing = "run `modprobe udmabuf`; the kernel needs CONFIG_UDMABUF",
		.describe = describe,
		.probe = probe,
	};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/udmabuf", dev);
	return heap_device_open(heap, &type, path, "udmabuf", why);
}
