// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "memory.h"

#include "vm.h"

#include <drm.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/magic.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

const char *const buffer_kinds[] = {"system", "cma", "udmabuf", NULL};
const char *const filesystems[] = {"ext4", "xfs", "btrfs", "tmpfs", "overlay", NULL};

/* The contiguous heap goes by many names; it is the one that is not system. */
static bool heap_path(const char *kind, char *path, size_t len)
{
	static const char *const cma[] = {"reserved", "linux,cma", "default_cma_region", NULL};
	int i;

	snprintf(path, len, "/dev/dma_heap/%s", kind);
	if (strcmp(kind, "cma"))
		return !access(path, F_OK);
	for (i = 0; cma[i]; i++) {
		snprintf(path, len, "/dev/dma_heap/%s", cma[i]);
		if (!access(path, F_OK))
			return true;
	}
	return false;
}

bool have_kind(const char *kind)
{
	char path[64];

	if (!strcmp(kind, "udmabuf"))
		return !access("/dev/udmabuf", F_OK);
	return heap_path(kind, path, sizeof(path));
}

/* Of a patched kernel. */
#ifndef DMA_HEAP_FLAG_UNFILLED
#define DMA_HEAP_FLAG_UNFILLED 1
#endif

static int allocate(const char *kind, size_t size, uint64_t heap_flags)
{
	struct dma_heap_allocation_data data = {
		.len = size,
		.fd_flags = O_RDWR | O_CLOEXEC,
		.heap_flags = heap_flags,
	};
	char path[64];
	int heap;

	if (!heap_path(kind, path, sizeof(path))) {
		if (!strcmp(kind, "cma") && rig_is("uml"))
			unable("no contiguous heap in this rig");
		fail(__FILE__, __LINE__, "no heap %s", kind);
	}
	heap = open(path, O_RDWR | O_CLOEXEC);
	CHECK(heap >= 0);
	CHECK_EQ(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), 0);
	close(heap);
	return data.fd;
}

int make_memfd(size_t size, unsigned int flags)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC | flags);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, size), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	return fd;
}

int make_udmabuf(int memfd, uint64_t offset, uint64_t size)
{
	struct udmabuf_create create = {
		.memfd = memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = offset,
		.size = size,
	};
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;

	CHECK(dev >= 0);
	fd = ioctl(dev, UDMABUF_CREATE, &create);
	CHECK(fd >= 0);
	close(dev);
	return fd;
}

int make_udmabuf_of(const struct memory_part *parts, unsigned int nr)
{
	struct udmabuf_create_list *list;
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;
	unsigned int i;

	CHECK(dev >= 0);
	list = calloc(1, sizeof(*list) + nr * sizeof(list->list[0]));
	CHECK(list);
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = nr;
	for (i = 0; i < nr; i++) {
		list->list[i].memfd = parts[i].memfd;
		list->list[i].offset = parts[i].offset;
		list->list[i].size = parts[i].size;
	}
	fd = ioctl(dev, UDMABUF_CREATE_LIST, list);
	CHECK(fd >= 0);
	free(list);
	close(dev);
	return fd;
}

void udmabuf_limit(const char *name, unsigned long value)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/udmabuf/parameters/%s", name);
	f = fopen(path, "w");
	CHECK(f);
	CHECK(fprintf(f, "%lu\n", value) > 0);
	CHECK_EQ(fclose(f), 0);
}

int make_buffer(const char *kind, size_t size)
{
	int memfd, fd;

	if (strcmp(kind, "udmabuf"))
		return allocate(kind, size, 0);
	udmabuf_limit("size_limit_mb", 8192);
	memfd = make_memfd(size, 0);
	fd = make_udmabuf(memfd, 0, size);
	close(memfd);
	return fd;
}

int make_unfilled_buffer(const char *kind, size_t size)
{
	return allocate(kind, size, DMA_HEAP_FLAG_UNFILLED);
}

int make_vast_buffer(size_t size)
{
	struct memory_part parts[256];
	unsigned int nr = size / (64 * MIB), i;
	int memfd = make_memfd(64 * MIB, 0);

	udmabuf_limit("size_limit_mb", 1 << 20);
	CHECK(nr <= ARRAY_SIZE(parts));
	for (i = 0; i < nr; i++)
		parts[i] = (struct memory_part){memfd, 0, 64 * MIB};
	return make_udmabuf_of(parts, nr);
}

static void sync_buffer(int buffer, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags};

	CHECK_EQ(ioctl(buffer, DMA_BUF_IOCTL_SYNC, &sync), 0);
}

/* Do something with the bytes at pos through a mapping of just their pages. */
static void with_mapping(int buffer, void *buf, size_t len, off_t pos, uint64_t access,
			 void (*act)(void *mem, void *buf, size_t len))
{
	size_t before = pos % getpagesize();
	int prot = PROT_READ | (access & DMA_BUF_SYNC_WRITE ? PROT_WRITE : 0);
	char *map;

	if (!len)
		return;
	map = mmap(NULL, before + len, prot, MAP_SHARED, buffer, pos - before);
	CHECK(map != MAP_FAILED);
	sync_buffer(buffer, DMA_BUF_SYNC_START | access);
	act(map + before, buf, len);
	sync_buffer(buffer, DMA_BUF_SYNC_END | access);
	munmap(map, before + len);
}

static void fetch(void *mem, void *buf, size_t len)
{
	memcpy(buf, mem, len);
}

static void store(void *mem, void *buf, size_t len)
{
	memcpy(mem, buf, len);
}

void peek(int buffer, void *buf, size_t len, off_t pos)
{
	with_mapping(buffer, buf, len, pos, DMA_BUF_SYNC_READ, fetch);
}

void poke(int buffer, const void *buf, size_t len, off_t pos)
{
	with_mapping(buffer, (void *)buf, len, pos, DMA_BUF_SYNC_WRITE, store);
}

void expect(int buffer, const void *want, size_t len, off_t pos)
{
	char *have = malloc(len);
	ssize_t at;

	CHECK(have);
	peek(buffer, have, len, pos);
	at = first_difference(have, want, len);
	if (at >= 0)
		fail(__FILE__, __LINE__,
		     "byte %lld of the buffer (%zd of %zu looked at) is %02x, not %02x",
		     (long long)pos + at, at, len, (unsigned char)have[at],
		     ((const unsigned char *)want)[at]);
	free(have);
}

static bool driver_is(int card, const char *driver)
{
	char name[32] = "";
	struct drm_version version = {
		.name = name,
		.name_len = sizeof(name) - 1,
	};

	return !ioctl(card, DRM_IOCTL_VERSION, &version) && !strcmp(name, driver);
}

struct importer open_importer(const char *driver)
{
	struct importer importer = {.card = -1};
	char path[32];
	int i;

	for (i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		importer.card = open(path, O_RDWR | O_CLOEXEC);
		if (importer.card >= 0 && driver_is(importer.card, driver))
			return importer;
		if (importer.card >= 0)
			close(importer.card);
	}
	fail(__FILE__, __LINE__, "no card called %s", driver);
}

int hold(struct importer *importer, int buffer)
{
	struct drm_prime_handle prime = {.fd = buffer};

	if (ioctl(importer->card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime))
		return -errno;
	importer->handle = prime.handle;
	return 0;
}

void let_go(struct importer *importer)
{
	struct drm_gem_close gem = {.handle = importer->handle};

	CHECK_EQ(ioctl(importer->card, DRM_IOCTL_GEM_CLOSE, &gem), 0);
}

int make_dumb_buffer(struct importer *exporter, size_t size)
{
	struct drm_mode_create_dumb dumb = {
		.width = size / 4,
		.height = 1,
		.bpp = 32,
	};
	struct drm_prime_handle prime = {.flags = O_RDWR | O_CLOEXEC};

	CHECK_EQ(ioctl(exporter->card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), 0);
	prime.handle = dumb.handle;
	CHECK_EQ(ioctl(exporter->card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), 0);
	return prime.fd;
}

static const char *mount_overlay(void)
{
	static const char *const dirs[] = {"/data/ext4/lower", "/data/ext4/upper",
					   "/data/ext4/work", "/run/overlay"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++)
		CHECK(!mkdir(dirs[i], 0755) || errno == EEXIST);
	if (access("/run/overlay/.mounted", F_OK)) {
		CHECK_EQ(mount("overlay", "/run/overlay", "overlay", 0,
			       "lowerdir=/data/ext4/lower,upperdir=/data/ext4/upper,workdir=/data/"
			       "ext4/work"),
			 0);
		close(open("/run/overlay/.mounted", O_CREAT | O_WRONLY, 0600));
	}
	return "/run/overlay";
}

const char *directory_on(const char *filesystem)
{
	static char path[32];

	if (!strcmp(filesystem, "tmpfs"))
		return "/dev/shm";
	if (!strcmp(filesystem, "overlay"))
		return mount_overlay();
	snprintf(path, sizeof(path), "/data/%s", filesystem);
	return path;
}

/* tmpfs takes the flag and does without. */
bool can_direct(const char *filesystem)
{
	return strcmp(filesystem, "tmpfs");
}

int open_file(const char *filesystem, const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory_on(filesystem), name);
	fd = open(path, flags | O_CLOEXEC, 0644);
	CHECK(fd >= 0);
	return fd;
}

int make_file(const char *filesystem, const char *name, const void *content, size_t len, int flags)
{
	int fd = open_file(filesystem, name, O_CREAT | O_TRUNC | O_RDWR);

	write_at(fd, content, len, 0);
	forget_cache(fd);
	close(fd);
	return open_file(filesystem, name, flags);
}

/*
 * btrfs keeps what was written until it has noted where, for which fsync does
 * not wait; tmpfs keeps it for good.
 */
void forget_cache(int fd)
{
	struct statfs fs;
	struct stat st;
	int i;

	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(fstatfs(fd, &fs), 0);
	for (i = 0; i < 200; i++, usleep(5000)) {
		CHECK_EQ(fsync(fd), 0);
		CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
		if (fs.f_type == TMPFS_MAGIC || !st.st_size || !cached_bytes(fd, st.st_size))
			break;
	}
}

size_t cached_bytes(int fd, size_t len)
{
	size_t page = getpagesize(), pages = (len + page - 1) / page, i, sum = 0;
	unsigned char *in_core = malloc(pages);
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(in_core && map != MAP_FAILED);
	CHECK_EQ(mincore(map, len, in_core), 0);
	for (i = 0; i < pages; i++)
		sum += (in_core[i] & 1) * page;
	munmap(map, len);
	free(in_core);
	return sum;
}
