// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory files of a heap behind a device: in a tmpfs of the mount's own, whose limit the
 * kernel enforces, or else memfds.
 */
#include "buffer/heap_device.h"
#include "util/compat.h"
#include "util/private_tmpfs.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

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
void heap_files_limit(struct heap *heap, uint64_t size, const char *huge)
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

int heap_files_of(struct heap *heap)
{
	return heap->ops->limit ? heap_device_of(heap)->files : -1;
}

void heap_use_files(struct heap *heap, int directory)
{
	if (heap->ops->limit)
		heap_device_of(heap)->files = directory;
}

int heap_files_resize(struct heap *heap, uint64_t size)
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
int heap_files_new(struct heap *heap)
{
	const struct timespec never[2] = {{0}, {0}};
	scope(fd) int fd = new_file(heap_device_of(heap));

	if (fd < 0)
		return fd;
	if (fchmod(fd, 0) || futimens(fd, never))
		return -errno;
	return steal_fd(&fd);
}
