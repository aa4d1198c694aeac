// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A mount whose buffers a device uses, and the effect of -o busy= on copies into them. The
 * mount exports no dma-bufs, so the test takes one from the daemon, as a debugger could.
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

static struct used_file use_file(const char *busy)
{
	struct used_file used;
	int source;
	char text[256];

	need_patched();
	pattern(old, SIZE, 51);
	pattern(content, SIZE, 52);
	source = make_file("ext4", "busy", old, SIZE, O_RDONLY);
	snprintf(text, sizeof(text), "heap=system,source=%s%s%s", directory_on("ext4"),
		 *busy ? ",busy=" : "", busy);
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
	return make_file("ext4", "busy", content, SIZE, O_RDONLY);
}

static int source_in_view(struct used_file *used)
{
	char path[64];
	int file;

	close(source_on_disk(used));
	snprintf(path, sizeof(path), "%s/.source/busy", used->mount.dir);
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

static void expect_refusal(struct used_file *used, int source, int err)
{
	CHECK_ERRNO(copy_once(source, 0, used->file, 0, SIZE), err);
	expect(used->buffer, old, SIZE, 0);
	read_at(used->file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, old, SIZE), -1);
}

static void expect_copies_again(struct used_file *used, int source)
{
	let_go(&used->importer);
	CHECK_EQ(copy_all(source, 0, used->file, 0, SIZE), SIZE);
	expect(used->buffer, content, SIZE, 0);
}

/* The calls of cat, which truncates no file: copy_file_range(), or read and write. */
static int cat(struct used_file *used)
{
	char command[160];

	snprintf(command, sizeof(command), "cat %s/busy 1<>%s/buf 2>/dev/null",
		 directory_on("ext4"), used->mount.dir);
	return system(command);
}

static void fails(void)
{
	struct used_file used = use_file("fail");
	int source = source_on_disk(&used);

	expect_refusal(&used, source, EBUSY);
	EXPECT_REPORT(&used, "engine=none ", "direct=no ", "is using the memory", "busy=fail");
	CHECK(cat(&used) != 0);
	expect(used.buffer, old, SIZE, 0);
	/* out of it goes all the time */
	CHECK_EQ(copy_all(used.file, 0, make_file("ext4", "busy-out", "", 0, O_RDWR), 0, SIZE),
		 SIZE);
	expect_copies_again(&used, source);
	close(source);
	end_use(&used);
}

static void view_fails(void)
{
	struct used_file used = use_file("fail");
	int source = source_in_view(&used);

	expect_refusal(&used, source, EBUSY);
	EXPECT_REPORT(&used, "engine=none ", "direct=no ", "bytes=0 ", "a device uses the buffer",
		      "busy=fail");
	expect_copies_again(&used, source);
	EXPECT_REPORT(&used, "engine=copy_file_range ", "direct=yes ");
	close(source);
	end_use(&used);
}

static void left_to_the_tool(const char *busy)
{
	struct used_file used = use_file(busy);
	int source = source_on_disk(&used);

	expect_refusal(&used, source, EXDEV);
	CHECK_EQ(cat(&used), 0);
	expect(used.buffer, content, SIZE, 0);
	EXPECT_REPORT(&used, "direct=no ", "is using the memory", "the tool read and wrote");
	close(source);
	end_use(&used);
}

static void view_copies(void)
{
	struct used_file used = use_file("copy");
	int source = source_in_view(&used);

	CHECK_EQ(copy_all(source, 0, used.file, 0, SIZE), SIZE);
	expect(used.buffer, content, SIZE, 0);
	EXPECT_REPORT(&used, "engine=bounce ", "a device uses the buffer");
	expect_copies_again(&used, source);
	close(source);
	end_use(&used);
}

static void copies(void)
{
	left_to_the_tool("copy");
}
static void copies_untold(void)
{
	left_to_the_tool("");
}

CASE({"busy=fail: a copy into a used buffer fails", fails},
     {"busy=fail: a copy from the view into a used buffer fails", view_fails},
     {"busy=copy: a used buffer is left to read and write", copies},
     {"a used buffer is left to read and write by default", copies_untold},
     {"busy=copy: the daemon copies into a used buffer by the CPU", view_copies}, )
