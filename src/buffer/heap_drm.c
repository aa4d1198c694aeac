// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A display's own memory: dumb buffers of a DRM device, exported by PRIME. The
 * kernel takes them for pictures, which makes no difference here.
 */
#include "buffer/heap_device.h"
#include "util/explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifdef DMAHEAPFS_HAVE_LIBDRM

#include "buffer/dmabuf.h"
#include "util/math.h"
#include "util/scope.h"

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <sys/mman.h>
#include <xf86drm.h>

/* A multiple of any driver's alignment of lines. */
#define LINE_BYTES     4096u
#define BITS_PER_PIXEL 32u

/* The size of a dumb buffer has 32 bits. */
static int make_dumb(int device, size_t size, struct drm_mode_create_dumb *dumb)
{
	if (size > UINT32_MAX)
		return -EFBIG;
	*dumb = (struct drm_mode_create_dumb){
		.width = LINE_BYTES / (BITS_PER_PIXEL / 8),
		.height = (uint32_t)(size / LINE_BYTES),
		.bpp = BITS_PER_PIXEL,
	};
	return drmIoctl(device, DRM_IOCTL_MODE_CREATE_DUMB, dumb) ? -errno : 0;
}

/* The dma-buf keeps the memory, so the handle can be destroyed. */
static int export_dumb(int device, uint32_t handle)
{
	struct drm_mode_destroy_dumb destroy = {.handle = handle};
	int dmabuf;
	const int error =
		drmPrimeHandleToFD(device, handle, DRM_CLOEXEC | DRM_RDWR, &dmabuf) ? -errno : 0;

	drmIoctl(device, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
	return error ? error : dmabuf;
}

/* Drivers need not zero dumb buffers, though many do. */
static int zero(struct heap *heap, int dmabuf, size_t size)
{
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);

	if (map == MAP_FAILED)
		return -errno;
	int error = dmabuf_sync(heap, dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);

	if (!error) {
		memset(map, 0, size);
		error = dmabuf_sync(heap, dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	}
	munmap(map, size);
	return error;
}

static int drm_alloc(struct heap *heap, size_t size)
{
	const int device = heap_device_fd(heap);
	struct drm_mode_create_dumb dumb;
	int error = make_dumb(device, size, &dumb);

	if (error)
		return error;
	scope(fd) int dmabuf = export_dumb(device, dumb.handle);

	if (dmabuf < 0)
		return dmabuf;
	error = dumb.size < size ? -ENOSPC : zero(heap, dmabuf, size);
	return error ? error : steal_fd(&dmabuf);
}

static const struct heap_ops drm_ops = {
	.fixed_size = true,
	.has_dmabufs = true,
	.alloc = drm_alloc,
	.wait_idle = dmabuf_wait_idle,
	.sync = dmabuf_sync,
	.is_held = dmabuf_is_held,
	.takes_io = dmabuf_takes_io,
	.destroy = heap_device_destroy,
};

static void describe(struct heap *heap, const char *path)
{
	drmVersion *version = drmGetVersion(heap_device_fd(heap));

	snprintf(heap->name, sizeof(heap->name), HEAP_DRM "%s", path);
	snprintf(heap->dmabuf, sizeof(heap->dmabuf), "yes: dumb buffers of the driver %.40s",
		 version ? version->name : "of the card");
	drmFreeVersion(version);
}

/*
 * Allocates a page, since some drivers have dumb buffers and do not report it. The first to
 * open a display becomes its master, which a compositor needs to be.
 */
static int probe(struct heap *heap, char why[static 256])
{
	drmDropMaster(heap_device_fd(heap));
	scope(fd) int fd = drm_alloc(heap, page_size());

	if (fd >= 0)
		return 0;
	return explain(why, fd == -ENOTTY ? -ENODEV : fd,
		       "%.60s has no dumb buffers that the CPU can map, so it cannot serve as a "
		       "heap: %s",
		       heap->name, strerror(-fd));
}

int heap_drm_open(struct heap **heap, const char *path, char why[static 256])
{
	static const struct heap_device_type type = {
		.ops = &drm_ops,
		.no_permission = "run as root, or join the group of the device",
		.missing = "the kernel needs the card's driver; see: ls /dev/dri",
		.describe = describe,
		.probe = probe,
	};

	return heap_device_open(heap, &type, path, path, why);
}

#else

int heap_drm_open(struct heap **opened, const char *path, char why[static 256])
{
	(void)opened;
	return explain(why, -ENOTSUP,
		       "%.60s: this build has no libdrm; install libdrm-dev and build again", path);
}

#endif
