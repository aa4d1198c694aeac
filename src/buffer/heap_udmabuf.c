// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory files that /dev/udmabuf turns into dma-bufs. Of the module's two limits only
 * size_limit_mb applies, since a buffer is one range and never a list.
 */
#include "buffer/dmabuf.h"
#include "buffer/heap_device.h"
#include "util/explain.h"
#include "util/math.h"
#include "util/scope.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

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
	.limit = heap_files_limit,
	.resize = heap_files_resize,
	.new_file = heap_files_new,
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
	scope(fd) int file = heap_files_new(heap);

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
