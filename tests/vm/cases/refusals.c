// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ordinary side of a copy keeps all its checks: nothing is copied that a
 * read() or write() of the same process would have been refused.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (64 * KIB)
#define PATH "/data/ext4/refusals"

static char content[SIZE], other[SIZE];

/* A buffer with one content, a file with another, open as flags say. */
static void prepare(int flags, int *buffer, int *file)
{
	need_patched();
	pattern(content, SIZE, 21);
	pattern(other, SIZE, 22);
	*buffer = make_buffer("system", SIZE);
	poke(*buffer, content, SIZE, 0);
	*file = make_file("ext4", "refusals", other, SIZE, flags);
}

static void expect_file(const char *want, size_t len)
{
	char *have = malloc(len);
	int file = open_file("ext4", "refusals", O_RDONLY);

	CHECK_EQ(lseek(file, 0, SEEK_END), len);
	read_at(file, have, len, 0);
	CHECK_EQ(first_difference(have, want, len), -1);
	free(have);
}

static void append(void)
{
	int buffer, file;

	prepare(O_WRONLY | O_APPEND, &buffer, &file);
	CHECK_ERRNO(copy_once(buffer, 0, file, 0, SIZE), EBADF);
	expect_file(other, SIZE);
}

static void wrong_mode(void)
{
	int buffer, file;

	prepare(O_RDONLY, &buffer, &file);
	CHECK_ERRNO(copy_once(buffer, 0, file, 0, SIZE), EBADF);
	file = open_file("ext4", "refusals", O_WRONLY);
	CHECK_ERRNO(copy_once(file, 0, buffer, 0, SIZE), EBADF);
	file = open_file("ext4", "refusals", O_PATH);
	CHECK_ERRNO(copy_once(file, 0, buffer, 0, SIZE), EBADF);
	expect(buffer, content, SIZE, 0);
	expect_file(other, SIZE);
}

static void refused(int in, int out, int err, const char *what)
{
	ssize_t ret = copy_once(in, 0, out, 0, 4096);

	if (ret != -1 || errno != err)
		fail(__FILE__, __LINE__, "%s: %zd (errno %d), not errno %d", what, ret, errno, err);
}

static void not_regular(void)
{
	int buffer, file, fds[2];

	prepare(O_RDWR, &buffer, &file);
	file = open("/data/ext4", O_RDONLY | O_DIRECTORY);
	refused(file, buffer, EISDIR, "directory");
	file = open("/dev/zero", O_RDWR);
	refused(file, buffer, EINVAL, "from /dev/zero");
	refused(buffer, file, EINVAL, "to /dev/zero");
	file = open(rig_is("uml") ? "/dev/ubda" : "/dev/vda", O_RDONLY);
	CHECK(file >= 0);
	refused(file, buffer, EINVAL, "block device");
	CHECK_EQ(pipe(fds), 0);
	refused(fds[0], buffer, EINVAL, "from a pipe");
	refused(buffer, fds[1], EINVAL, "to a pipe");
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	refused(fds[0], buffer, EINVAL, "from a socket");
	refused(buffer, fds[1], EINVAL, "to a socket");
	expect(buffer, content, SIZE, 0);
}

/* Their content is made as it is read, and a write has side effects. */
static void pseudo_filesystems(void)
{
	static const char *const files[] = {
		"/proc/self/status", "/proc/sys/kernel/hostname",
		"/proc/self/comm",   "/proc/self/maps",
		"/dev/kmsg",
	};
	int buffer, file;
	ssize_t ret;
	size_t i;

	prepare(O_RDWR, &buffer, &file);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		file = open(files[i], O_RDONLY);
		CHECK(file >= 0);
		ret = copy_once(file, 0, buffer, 0, SIZE);
		if (ret >= 0 || (errno != EXDEV && errno != EINVAL))
			fail(__FILE__, __LINE__, "from %s: %zd (errno %d)", files[i], ret, errno);
		expect(buffer, content, SIZE, 0);
	}
	file = open("/proc/self/comm", O_WRONLY);
	CHECK_EQ(copy_once(buffer, 0, file, 0, 8), -1);
	CHECK(errno == EXDEV || errno == EINVAL);
}

static void immutable(void)
{
	int buffer, file, attr, with;

	prepare(O_RDWR, &buffer, &file);
	CHECK_EQ(ioctl(file, FS_IOC_GETFLAGS, &attr), 0);
	with = attr | FS_IMMUTABLE_FL;
	CHECK_EQ(ioctl(file, FS_IOC_SETFLAGS, &with), 0);
	refused(buffer, file, EPERM, "immutable file");
	CHECK_EQ(ioctl(file, FS_IOC_SETFLAGS, &attr), 0);
	expect_file(other, SIZE);
}

static void swap_file(void)
{
	static const char *const path = "/data/ext4/swap";
	char zeros[4096] = "";
	int buffer, file, i;

	prepare(O_RDWR, &buffer, &file);
	file = make_file("ext4", "swap", zeros, sizeof(zeros), O_RDWR);
	for (i = 0; i < 1024; i++)
		write_at(file, zeros, sizeof(zeros), i * sizeof(zeros));
	CHECK_EQ(system("mkswap -q /data/ext4/swap 2>&1"), 0);
	CHECK_EQ(chmod(path, 0600), 0);
	CHECK_EQ(swapon(path, 0), 0);
	refused(buffer, file, ETXTBSY, "to a swap file");
	refused(file, buffer, ETXTBSY, "from a swap file");
	CHECK_EQ(swapoff(path), 0);
	unlink(path);
}

static void size_limit(void)
{
	struct rlimit limit = {10000, RLIM_INFINITY};
	int buffer, file;

	prepare(O_RDWR, &buffer, &file);
	CHECK_EQ(ftruncate(file, 0), 0);
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_EQ(copy_once(buffer, 0, file, 0, SIZE), 10000);
	CHECK_ERRNO(copy_once(buffer, 0, file, 10000, 1), EFBIG);
	expect_file(content, 10000);
}

static void size_signal(void)
{
	struct rlimit limit = {10000, RLIM_INFINITY};
	int buffer, file;

	prepare(O_RDWR, &buffer, &file);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, SIG_DFL);
	/* the signal's default is to die: a child must */
	if (!fork()) {
		copy_once(buffer, 0, file, 20000, 1);
		_exit(0);
	}
	int status;

	CHECK(wait(&status) > 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
}

/* A write without CAP_FSETID removes these bits. */
static void privilege_bits(void)
{
	struct stat st;
	int buffer, file;

	prepare(O_RDWR, &buffer, &file);
	CHECK_EQ(fchmod(file, 06775), 0);
	CHECK_EQ(fchown(file, 1000, 1000), 0);
	CHECK_EQ(fchmod(file, 06775), 0);
	CHECK_EQ(setgid(2000), 0);
	CHECK_EQ(setuid(2000), 0);
	CHECK_EQ(copy_once(buffer, 0, file, 0, SIZE), SIZE);
	CHECK_EQ(fstat(file, &st), 0);
	CHECK_EQ(st.st_mode & 06000, 0);
}

static void times_move(void)
{
	struct timespec past[2] = {{1000, 0}, {1000, 0}};
	struct stat st;
	int buffer, file;

	prepare(O_RDWR, &buffer, &file);
	CHECK_EQ(futimens(file, past), 0);
	CHECK_EQ(copy_once(buffer, 0, file, 0, 100), 100);
	CHECK_EQ(fstat(file, &st), 0);
	CHECK(st.st_mtime > 1000);
	CHECK_EQ(futimens(file, past), 0);
	CHECK_EQ(copy_once(file, 0, buffer, 0, 100), 100);
	CHECK_EQ(fstat(file, &st), 0);
	CHECK(st.st_atime > 1000);
	CHECK_EQ(st.st_mtime, 1000);
}

/* Count the events of one kind that the file has seen. */
static bool saw(int notify, uint64_t mask)
{
	char buf[4096];
	struct fanotify_event_metadata *event;
	ssize_t len = read(notify, buf, sizeof(buf));
	bool found = false;

	for (event = (void *)buf; len > 0 && FAN_EVENT_OK(event, len);
	     event = FAN_EVENT_NEXT(event, len)) {
		found |= event->mask & mask;
		if (event->fd >= 0)
			close(event->fd);
	}
	return found;
}

static void watchers(void)
{
	int buffer, file, notify;

	prepare(O_RDWR, &buffer, &file);
	notify = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY);
	CHECK(notify >= 0);
	CHECK_EQ(fanotify_mark(notify, FAN_MARK_ADD, FAN_MODIFY | FAN_ACCESS, AT_FDCWD, PATH), 0);
	CHECK_EQ(copy_once(buffer, 0, file, 0, 100), 100);
	CHECK(saw(notify, FAN_MODIFY));
	CHECK_EQ(copy_once(file, 0, buffer, 0, 100), 100);
	CHECK(saw(notify, FAN_ACCESS));
}

/* A watcher that may forbid is asked, and obeyed. */
static void forbidden(void)
{
	struct fanotify_event_metadata event;
	struct fanotify_response no = {.response = FAN_DENY};
	int buffer, file, notify, status;

	prepare(O_RDWR, &buffer, &file);
	notify = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY);
	CHECK(notify >= 0);
	CHECK_EQ(fanotify_mark(notify, FAN_MARK_ADD, FAN_ACCESS_PERM, AT_FDCWD, PATH), 0);
	/* the watchers are fixed at open */
	file = open_file("ext4", "refusals", O_RDONLY);
	if (!fork()) {
		refused(file, buffer, EPERM, "forbidden");
		_exit(0);
	}
	CHECK(read(notify, &event, sizeof(event)) > 0);
	no.fd = event.fd;
	CHECK_EQ(write(notify, &no, sizeof(no)), sizeof(no));
	close(notify);
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
	expect(buffer, content, SIZE, 0);
}

static unsigned long long accounted(const char *key)
{
	unsigned long long value = 0;
	char line[64];
	FILE *f = fopen("/proc/self/io", "r");

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			value = strtoull(line + strlen(key), NULL, 10);
	fclose(f);
	return value;
}

static void accounting(void)
{
	unsigned long long read_before, written_before;
	int buffer, file;

	prepare(O_RDWR, &buffer, &file);
	read_before = accounted("rchar: ");
	CHECK_EQ(copy_once(file, 0, buffer, 0, SIZE), SIZE);
	CHECK(accounted("rchar: ") >= read_before + SIZE);
	written_before = accounted("wchar: ");
	CHECK_EQ(copy_once(buffer, 0, file, 0, SIZE), SIZE);
	CHECK(accounted("wchar: ") >= written_before + SIZE);
}

CASE({"a file opened for appending is EBADF", append},
     {"a file opened the wrong way is EBADF", wrong_mode},
     {"only regular files are copied", not_regular},
     {"a file of a pseudo-filesystem is left to read and write", pseudo_filesystems},
     {"an immutable file is not written", immutable},
     {"a swap file is neither read nor written", swap_file},
     {"a copy stops at the limit of file size", size_limit},
     {"a copy beyond the limit of file size raises SIGXFSZ", size_signal},
     {"a copy by another takes setuid and setgid away", privilege_bits},
     {"a copy moves the file's times", times_move},
     {"a watcher of the file is told of a copy", watchers},
     {"a permission watcher is asked", forbidden},
     {"a copy is accounted to its process", accounting}, )
