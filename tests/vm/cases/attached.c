// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A mount whose buffers a device uses: copies go on by DMA, and the device sees them. The
 * test takes the dma-buf from the daemon, as a debugger could.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "mount.h"
#include "vm.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SIZE (1 * MIB)

static char old[SIZE], content[SIZE], have[SIZE];

/* A file of the mount, full of old bytes, whose buffer vgem has attached. */
struct used_file {
	struct mount mount;
	int file;
	int buffer;
	struct importer importer;
};

/* The daemon's one dma-buf. */
static int dmabuf_of(pid_t daemon)
{
	int pidfd = syscall(SYS_pidfd_open, daemon, 0), fd = -1;
	char path[64], target[256];
	struct dirent *entry;
	DIR *dir;

	CHECK(pidfd >= 0);
	snprintf(path, sizeof(path), "/proc/%d/fd", daemon);
	dir = opendir(path);
	CHECK(dir);
	while ((entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n < 0)
			continue;
		target[n] = '\0';
		if (strncmp(target, "/dmabuf:", 8))
			continue;
		CHECK_EQ(fd, -1);
		fd = syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name), 0);
		CHECK(fd >= 0);
	}
	closedir(dir);
	close(pidfd);
	CHECK(fd >= 0);
	return fd;
}

static struct used_file use_file(void)
{
	struct used_file used;
	int source;
	char text[256];

	need_patched();
	pattern(old, SIZE, 51);
	pattern(content, SIZE, 52);
	source = make_file("ext4", "attached", old, SIZE, O_RDONLY);
	snprintf(text, sizeof(text), "heap=system,source=%s", directory_on("ext4"));
	used.mount = mount_start(text);

	snprintf(text, sizeof(text), "%s/buf", used.mount.dir);
	used.file = open(text, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(used.file >= 0);
	CHECK_EQ(copy_all(source, 0, used.file, 0, SIZE), SIZE);
	used.buffer = dmabuf_of(used.mount.daemon);
	expect(used.buffer, old, SIZE, 0);
	used.importer = open_importer("vgem");
	CHECK_EQ(hold(&used.importer, used.buffer), 0);
	close(source);
	return used;
}

static void end_use(struct used_file *used)
{
	close(used->buffer);
	close(used->file);
	mount_end(&used->mount);
}

/* The new bytes: on the disk, or as the mount shows the disk. */
static int source_on_disk(struct used_file *used)
{
	(void)used;
	return make_file("ext4", "attached", content, SIZE, O_RDONLY);
}

static int source_in_view(struct used_file *used)
{
	char path[64];
	int file;

	close(source_on_disk(used));
	snprintf(path, sizeof(path), "%s/.source/attached", used->mount.dir);
	file = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(file >= 0);
	return file;
}

/* The mount's line on the last copy has all these words. */
static void expect_report(struct used_file *used, const char *const words[])
{
	char text[256] = "";

	CHECK(fgetxattr(used->file, "user.dmaheap.copy", text, sizeof(text) - 1) > 0);
	context("user.dmaheap.copy: %s", text);
	for (; *words; words++)
		CHECK(strstr(text, *words));
}

#define EXPECT_REPORT(used, ...) expect_report(used, (const char *const[]){__VA_ARGS__, NULL})

/* Into the buffer, and out again, while the device holds it. */
static void expect_copies(struct used_file *used, int source)
{
	int out = make_file("ext4", "attached-out", "", 0, O_RDWR);

	CHECK_EQ(copy_all(source, 0, used->file, 0, SIZE), SIZE);
	expect(used->buffer, content, SIZE, 0);
	EXPECT_REPORT(used, "engine=copy_file_range ", "direct=yes ");
	CHECK_EQ(copy_all(used->file, 0, out, 0, SIZE), SIZE);
	read_at(out, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	close(out);
	close(source);
}

static void from_the_disk(void)
{
	struct used_file used = use_file();

	expect_copies(&used, source_on_disk(&used));
	end_use(&used);
}

static void from_the_view(void)
{
	struct used_file used = use_file();

	expect_copies(&used, source_in_view(&used));
	end_use(&used);
}

CASE({"a device has the buffer: the disk is copied to it by DMA", from_the_disk},
     {"a device has the buffer: .source is copied to it by DMA", from_the_view}, )
