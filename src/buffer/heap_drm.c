// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A display's own memory: dumb buffers of a DRM device, handed over by PRIME.
 * That the kernel takes them for pictures matters to nobody.
 */
#include "buffer/heap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifdef DMAHEAPFS_HAVE_LIBDRM

#include "util/scope.h"

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <sys/mman.h>
#include <xf86drm.h>

/* Wide enough for whatever a driver rounds lines up to. */
#define LINE_BYTES     4096u
#define BITS_PER_PIXEL 32u

struct drm_heap {
	struct heap heap;
	int device;
};

/* The kernel counts a dumb buffer's bytes in 32 bits. */
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

/* The dma-buf keeps the memory, the handle is not needed. */
static int export_dumb(int device, uint32_t handle)
{
	struct drm_mode_destroy_dumb destroy = {.handle = handle};
	int dmabuf;
	int err = drmPrimeHandleToFD(device, handle, DRM_CLOEXEC | DRM_RDWR, &dmabuf) ? -errno : 0;

	drmIoctl(device, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
	return err ? err : dmabuf;
}

/* No driver has to do that, and many do. */
static int zero(struct heap *heap, int dmabuf, size_t size)
{
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	int err;

	if (map == MAP_FAILED)
		return -errno;
	err = dmabuf_sync(heap, dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	if (!err) {
		memset(map, 0, size);
		err = dmabuf_sync(heap, dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	}
	munmap(map, size);
	return err;
}

static int drm_alloc(struct heap *heap, size_t size)
{
	struct drm_heap *drm = (struct drm_heap *)heap;
	struct drm_mode_create_dumb dumb;
	int err = make_dumb(drm->device, size, &dumb);

	if (err)
		return err;
	scope(fd) int dmabuf = export_dumb(drm->device, dumb.handle);

	if (dmabuf < 0)
		return dmabuf;
	err = dumb.size < size ? -ENOSPC : zero(heap, dmabuf, size);
	return err ? err : steal_fd(&dmabuf);
}

static void drm_destroy(struct heap *heap)
{
	struct drm_heap *drm = (struct drm_heap *)heap;

	close_fd(drm->device);
	free(drm);
}

static const struct heap_ops drm_ops = {
	.memory = HEAP_PAGES,
	.alloc = drm_alloc,
	.wait_idle = dmabuf_wait_idle,
	.sync = dmabuf_sync,
	.is_held = dmabuf_is_held,
	.takes_io = dmabuf_takes_io,
	.destroy = drm_destroy,
};

static int explain_open(int err, const char *path, char why[static 256])
{
	if (err == -EACCES || err == -EPERM)
		snprintf(why, 256, "no permission for %.60s: run as root, or join its group", path);
	else if (err == -ENOENT || err == -ENODEV || err == -ENXIO)
		snprintf(why, 256, "no DRM device %.60s: the kernel needs its driver; ls /dev/dri",
			 path);
	else
		snprintf(why, 256, "can't open %.60s: %s", path, strerror(-err));
	return err;
}

/* Whoever opens a display first becomes its master, and that is not for us. */
static int open_device(const char *path, char why[static 256])
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return explain_open(-errno, path, why);
	drmDropMaster(fd);
	return fd;
}

/* Asking is no use: the kernel tells what drivers of displays can, and others can it too. */
static int probe(struct drm_heap *drm, const char *path, char why[static 256])
{
	int fd = drm_alloc(&drm->heap, (size_t)sysconf(_SC_PAGESIZE));

	if (fd >= 0) {
		close_fd(fd);
		return 0;
	}
	snprintf(why, 256,
		 "%.60s has no dumb buffers that the CPU can map, so that no heap can be "
		 "made of it: %s",
		 path, strerror(-fd));
	return fd == -ENOTTY ? -ENODEV : fd;
}

static void describe(struct drm_heap *drm, const char *path)
{
	struct heap *heap = &drm->heap;
	drmVersion *version = drmGetVersion(drm->device);

	snprintf(heap->name, sizeof(heap->name), HEAP_DRM "%s", path);
	snprintf(heap->dmabuf, sizeof(heap->dmabuf), "yes: dumb buffers of the driver %.40s",
		 version ? version->name : "of the card");
	drmFreeVersion(version);
}

int heap_drm_open(struct heap **opened, const char *path, char why[static 256])
{
	scope(fd) int device = open_device(path, why);
	struct drm_heap *drm;
	int err;

	if (device < 0)
		return device;
	drm = calloc(1, sizeof(*drm));
	if (!drm) {
		snprintf(why, 256, "out of memory");
		return -ENOMEM;
	}
	drm->heap.ops = &drm_ops;
	drm->device = steal_fd(&device);
	err = probe(drm, path, why);
	if (err) {
		drm_destroy(&drm->heap);
		return err;
	}
	describe(drm, path);
	*opened = &drm->heap;
	return 0;
}

#else

int heap_drm_open(struct heap **opened, const char *path, char why[static 256])
{
	(void)opened;
	snprintf(why, 256, "%.60s: this build has no libdrm; install libdrm-dev and build again",
		 path);
	return -ENOTSUP;
}

#endif
