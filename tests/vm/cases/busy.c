// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A mount whose buffers a device uses, and the effect of -o busy= on copies into them. The
 * mount exports no dma-bufs, so the test takes one from the daemon, as a debugger could.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "vm.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SIZE (1 * MIB)

static char old[SIZE], content[SIZE], have[SIZE];

/* A file of the mount, full of old bytes, whose buffer vgem has attached. */
struct used_file {
	pid_t daemon;
	char mount[32];
	int file;
	int buffer;
	struct importer importer;
};

static pid_t start_daemon(const char *mount, const char *options)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		execlp("dmaheapfs", "dmaheapfs", "busy", mount, "-f", "-o", options, NULL);
		_exit(127);
	}
	return pid;
}

static void await_mount(const char *mount)
{
	char text[8];
	double end = now() + 20;

	while (getxattr(mount, "user.dmaheap.heap", text, sizeof(text)) < 0) {
		CHECK(now() < end);
		usleep(10000);
	}
}

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

static struct used_file use_file(const char *heap, const char *busy)
{
	struct used_file used = {.mount = "/run/busy-XXXXXX"};
	int source;
	char text[256];

	need_patched();
	if (!have_kind(heap))
		unable("no heap %s", heap);
	pattern(old, SIZE, 51);
	pattern(content, SIZE, 52);
	source = make_file("ext4", "busy", old, SIZE, O_RDONLY);
	CHECK(mkdtemp(used.mount));
	snprintf(text, sizeof(text), "heap=%s,source=%s%s%s", heap, directory_on("ext4"),
		 *busy ? ",busy=" : "", busy);
	used.daemon = start_daemon(used.mount, text);
	await_mount(used.mount);

	snprintf(text, sizeof(text), "%s/buf", used.mount);
	used.file = open(text, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(used.file >= 0);
	CHECK_EQ(copy_all(source, 0, used.file, 0, SIZE), SIZE);
	used.buffer = dmabuf_of(used.daemon);
	expect(used.buffer, old, SIZE, 0);
	used.importer = open_importer("vgem");
	CHECK_EQ(hold(&used.importer, used.buffer), 0);
	close(source);
	return used;
}

static void end_use(struct used_file *used)
{
	int status;

	close(used->buffer);
	close(used->file);
	CHECK_EQ(umount(used->mount), 0);
	CHECK_EQ(waitpid(used->daemon, &status, 0), used->daemon);
	CHECK_EQ(status, 0);
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
	snprintf(path, sizeof(path), "%s/.source/busy", used->mount);
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
		 directory_on("ext4"), used->mount);
	return system(command);
}

static void fails(const char *heap)
{
	struct used_file used = use_file(heap, "fail");
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

static void view_fails(const char *heap)
{
	struct used_file used = use_file(heap, "fail");
	int source = source_in_view(&used);

	expect_refusal(&used, source, EBUSY);
	EXPECT_REPORT(&used, "engine=none ", "direct=no ", "bytes=0 ", "a device uses the buffer",
		      "busy=fail");
	expect_copies_again(&used, source);
	EXPECT_REPORT(&used, "engine=copy_file_range ", "direct=yes ");
	close(source);
	end_use(&used);
}

static void left_to_the_tool(const char *heap, const char *busy)
{
	struct used_file used = use_file(heap, busy);
	int source = source_on_disk(&used);

	expect_refusal(&used, source, EXDEV);
	CHECK_EQ(cat(&used), 0);
	expect(used.buffer, content, SIZE, 0);
	EXPECT_REPORT(&used, "direct=no ", "is using the memory", "the tool read and wrote");
	close(source);
	end_use(&used);
}

static void view_copies(const char *heap)
{
	struct used_file used = use_file(heap, "copy");
	int source = source_in_view(&used);

	CHECK_EQ(copy_all(source, 0, used.file, 0, SIZE), SIZE);
	expect(used.buffer, content, SIZE, 0);
	EXPECT_REPORT(&used, "engine=bounce ", "a device uses the buffer");
	expect_copies_again(&used, source);
	close(source);
	end_use(&used);
}

static void fails_system(void)
{
	fails("system");
}
static void fails_udmabuf(void)
{
	fails("udmabuf");
}
static void view_fails_system(void)
{
	view_fails("system");
}
static void view_fails_udmabuf(void)
{
	view_fails("udmabuf");
}
static void copies_system(void)
{
	left_to_the_tool("system", "copy");
}
static void copies_udmabuf(void)
{
	left_to_the_tool("udmabuf", "copy");
}
static void copies_untold(void)
{
	left_to_the_tool("system", "");
}
static void view_copies_system(void)
{
	view_copies("system");
}
static void view_copies_udmabuf(void)
{
	view_copies("udmabuf");
}

CASE({"busy=fail: a copy into a used system buffer fails", fails_system},
     {"busy=fail: a copy into a used udmabuf fails", fails_udmabuf},
     {"busy=fail: a copy from the view into a used system buffer fails", view_fails_system},
     {"busy=fail: a copy from the view into a used udmabuf fails", view_fails_udmabuf},
     {"busy=copy: a used system buffer is left to read and write", copies_system},
     {"busy=copy: a used udmabuf is left to read and write", copies_udmabuf},
     {"a used buffer is left to read and write by default", copies_untold},
     {"busy=copy: the daemon copies into a used system buffer by the CPU", view_copies_system},
     {"busy=copy: the daemon copies into a used udmabuf by the CPU", view_copies_udmabuf}, )
