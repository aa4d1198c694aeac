// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copies in and out of a FUSE file with memory behind it that fail, end early
 * or may not go on: its size is what was copied, and zeros are behind it.
 */
#define _GNU_SOURCE
#include "disk.h"
#include "memory.h"
#include "server.h"
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (4 * MIB)
#define BAD  (2 * MIB) /* the bad part of the disk */
#define LONG (512 * MIB)

static char content[SIZE] __attribute__((aligned(4096)));
static char have[SIZE], zeros[SIZE];
static const struct server_options plain;

static struct server prepare(void)
{
	need_patched();
	pattern(content, SIZE, 171);
	return server_create(&plain);
}

/* A file of the server with the content, open both ways. */
static int fill(struct server *server)
{
	int source = make_file("ext4", "fuse-failing", content, SIZE, O_RDONLY);
	int file = server_open(server, O_RDWR);

	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	close(source);
	return file;
}

/* So much of the content, for the kernel and the server; made longer, zeros. */
static void expect_head(struct server *server, ssize_t len)
{
	server_expect_head(server, content, len, SIZE);
}

/* Memory that is already zero: only the copy will zero it again. */
static void use_memory(int file)
{
	CHECK_EQ(ftruncate(file, SIZE), 0);
	CHECK_EQ(ftruncate(file, 0), 0);
}

/* In one go, or by pieces up to the unreadable part. */
static void bad_source(size_t piece, int flags)
{
	struct server server = prepare();
	int file = server_open(&server, O_RDWR), source, error;
	struct disk disk = disk_create("ext4", 64 * MIB);
	ssize_t done = 0, ret;

	source = disk_file(&disk, "file", content, SIZE, O_RDONLY | flags);
	disk_break(&disk, source, BAD);
	use_memory(file);
	do {
		ret = copy_once(source, done, file, done, piece);
		error = errno;
		done += ret > 0 ? ret : 0;
	} while (ret > 0 && done < (ssize_t)SIZE);
	CHECK(ret == -1 && error == EIO);
	CHECK(done <= (ssize_t)BAD);
	if (piece < SIZE)
		CHECK(done >= (ssize_t)(BAD - 256 * KIB));
	expect_head(&server, done);
	close(source);
	server_destroy(&server);
	disk_destroy(&disk);
}

static void bad_source_at_once(void)
{
	bad_source(SIZE, 0);
}
static void bad_source_by_pieces(void)
{
	bad_source(64 * KIB, 0);
}
static void bad_source_direct(void)
{
	bad_source(SIZE, O_DIRECT);
}
static void bad_source_direct_by_pieces(void)
{
	bad_source(64 * KIB, O_DIRECT);
}

/* Cut the source and fill it again, for ever. */
static void truncater(int file)
{
	uint64_t state = 84;

	for (;;) {
		if (ftruncate(file, rnd_below(&state, SIZE)))
			_exit(1);
		write_at(file, content, SIZE, 0);
	}
}

static void shrinking_source(void)
{
	struct server server = prepare();
	int file = server_open(&server, O_RDWR), source;
	double end = now() + 3;
	struct stat st;
	ssize_t ret, i;
	pid_t pid;

	source = make_file("ext4", "shrinking", content, SIZE, O_RDONLY);
	pid = server_fork(&server);
	if (!pid)
		truncater(open_file("ext4", "shrinking", O_RDWR));
	while (now() < end) {
		CHECK_EQ(ftruncate(file, 0), 0);
		ret = copy_once(source, 0, file, 0, SIZE);
		/* for a moment there is nothing, as in a file of /proc */
		if (ret < 0 && errno == EXDEV)
			ret = 0;
		CHECK(ret >= 0);
		CHECK_EQ(fstat(file, &st), 0);
		CHECK_EQ(st.st_size, ret);
		CHECK_EQ(ftruncate(file, SIZE), 0);
		read_at(file, have, SIZE, 0);
		for (i = 0; i < ret; i++)
			if (have[i] != content[i] && have[i])
				fail(__FILE__, __LINE__, "byte %zd of %zd", i, ret);
		CHECK_EQ(first_difference(have + ret, zeros, SIZE - ret), -1);
	}
	kill(pid, SIGKILL);
	server_destroy(&server);
}

static void size_limit(void)
{
	struct rlimit limit = {10000, RLIM_INFINITY};
	struct server server = prepare();
	int source, file = server_open(&server, O_RDWR);
	pid_t pid;

	source = make_file("ext4", "fuse-failing", content, SIZE, O_RDONLY);
	pid = server_fork(&server);
	if (!pid) {
		CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
		signal(SIGXFSZ, SIG_IGN);
		CHECK_EQ(copy_once(source, 0, file, 0, SIZE), 10000);
		CHECK_ERRNO(copy_once(source, 0, file, 10000, 1), EFBIG);
		signal(SIGXFSZ, SIG_DFL);
		copy_once(source, 0, file, 20000, 1);
		_exit(0);
	}
	CHECK_EQ(outcome(pid, 5000), 128 + SIGXFSZ);
	expect_head(&server, 10000);
	server_destroy(&server);
}

static void wrong_mode(void)
{
	struct server server = prepare();
	int file = fill(&server), source, target;

	source = open_file("ext4", "fuse-failing", O_RDWR);
	target = server_open(&server, O_RDWR | O_APPEND);
	CHECK_ERRNO(copy_once(source, 0, target, 0, 100), EBADF);
	target = server_open(&server, O_RDONLY);
	CHECK_ERRNO(copy_once(source, 0, target, 0, 100), EBADF);
	target = server_open(&server, O_WRONLY);
	CHECK_ERRNO(copy_once(target, 0, source, 0, 100), EBADF);
	target = open_file("ext4", "fuse-failing", O_RDWR | O_APPEND);
	CHECK_ERRNO(copy_once(file, 0, target, 0, 100), EBADF);
	target = open_file("ext4", "fuse-failing", O_RDONLY);
	CHECK_ERRNO(copy_once(file, 0, target, 0, 100), EBADF);
	expect_head(&server, SIZE);
	server_destroy(&server);
}

/*
 * Copy out until it fails with that; what was copied is in the target. By
 * pieces, since a direct write may fail as a whole.
 */
static size_t copy_out_until(int file, int target, int err)
{
	struct stat st;
	size_t done = 0;
	int error = 0;

	while (done < SIZE && !error)
		done += copy_some(file, done, target, done, 64 * KIB, &error);
	CHECK_EQ(error, err);
	CHECK_EQ(fstat(target, &st), 0);
	CHECK_EQ(st.st_size, done);
	if (done)
		read_at(target, have, done, 0);
	CHECK_EQ(first_difference(have, content, done), -1);
	return done;
}

static void full_target(void)
{
	struct server server = prepare();
	int file = fill(&server), target, rest;
	struct disk disk = disk_create("ext4", 16 * MIB);

	rest = disk_file(&disk, "rest", "", 0, O_RDWR);
	CHECK(!posix_fallocate(rest, 0, 8 * MIB));
	while (!posix_fallocate(rest, lseek(rest, 0, SEEK_END), 256 * KIB))
		;
	CHECK_EQ(ftruncate(rest, lseek(rest, 0, SEEK_END) - 1 * MIB), 0);
	target = disk_file(&disk, "target", "", 0, O_RDWR);
	CHECK(copy_out_until(file, target, ENOSPC) >= 512 * KIB);
	close(rest);
	close(target);
	server_destroy(&server);
	disk_destroy(&disk);
}

static void become(unsigned int user)
{
	CHECK_EQ(setgid(user), 0);
	CHECK_EQ(setuid(user), 0);
}

/* The write has the caller's credentials, not the server's. */
static void quota(void)
{
	struct dqblk limit = {
		.dqb_bhardlimit = 100, /* KiB */
		.dqb_valid = QIF_BLIMITS,
	};
	const char *device = rig_is("uml") ? "/dev/ubda" : "/dev/vda";
	struct server server = prepare();
	int file = fill(&server), target;
	pid_t pid;

	CHECK_EQ(quotactl(QCMD(Q_SETQUOTA, USRQUOTA), device, 2001, (void *)&limit), 0);
	CHECK(!quotactl(QCMD(Q_QUOTAON, USRQUOTA), device, 4, "") || errno == EBUSY ||
	      errno == EEXIST);
	target = make_file("ext4", "fuse-quota", "", 0, O_RDWR);
	CHECK_EQ(fchown(target, 2001, 2001), 0);
	pid = server_fork(&server);
	if (!pid) {
		become(2001);
		CHECK(copy_out_until(file, target, EDQUOT) <= 100 * KIB);
		_exit(0);
	}
	CHECK_EQ(outcome(pid, 5000), 0);
	server_destroy(&server);
}

static void privilege_bits(void)
{
	struct server server = prepare();
	int file = fill(&server), target;
	struct stat st;
	pid_t pid;

	target = make_file("ext4", "fuse-setuid", "", 0, O_RDWR);
	CHECK_EQ(fchmod(target, 06777), 0);
	pid = server_fork(&server);
	if (!pid) {
		become(2001);
		_exit(copy_all(file, 0, target, 0, SIZE) != (ssize_t)SIZE);
	}
	CHECK_EQ(outcome(pid, 5000), 0);
	CHECK_EQ(fstat(target, &st), 0);
	CHECK_EQ(st.st_mode & 06000, 0);
	server_destroy(&server);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* Copies that a signal may cut short continue. */
static unsigned int copy_interrupted(int in, int out)
{
	unsigned int shorter = 0;
	ssize_t ret, done;

	for (done = 0; done < (ssize_t)LONG; done += ret) {
		ret = copy_once(in, done, out, done, LONG - done);
		if (ret < 0 && errno == EINTR) {
			ret = 0;
			continue;
		}
		CHECK(ret > 0);
		shorter += ret < (ssize_t)LONG - done;
	}
	return shorter;
}

static void interrupted(void)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval often = {{0, 3000}, {0, 3000}}, never = {0};
	struct server server = prepare();
	int source, target, file = server_open(&server, O_RDWR);
	unsigned int in, out;

	source = make_file("ext4", "interrupted", "", 0, O_RDWR);
	CHECK_EQ(ftruncate(source, LONG), 0);
	write_at(source, content, SIZE, LONG - SIZE);
	forget_cache(source);
	target = make_file("xfs", "interrupted", "", 0, O_RDWR);
	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	in = copy_interrupted(source, file);
	out = copy_interrupted(file, target);
	setitimer(ITIMER_REAL, &never, NULL);
	note("%u calls in and %u out were cut short", in, out);
	CHECK(in && out);
	read_at(file, have, SIZE, LONG - SIZE);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	read_at(target, have, SIZE, LONG - SIZE);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	server_destroy(&server);
}

CASE({"a copy in from a bad disk brings the readable bytes", bad_source_at_once},
     {"copies in from a bad disk go as far as it", bad_source_by_pieces},
     {"a direct copy in from a bad disk leaves no bytes behind the end", bad_source_direct},
     {"direct copies in from a bad disk go as far as it", bad_source_direct_by_pieces},
     {"a copy in of a shrinking file invents nothing", shrinking_source},
     {"a copy in is bound by the limit of file size", size_limit},
     {"a file opened the wrong way is EBADF", wrong_mode},
     {"a copy out to a full disk claims only the bytes it wrote", full_target},
     {"a copy out is bound by its caller's quota", quota},
     {"a copy out by another takes setuid and setgid away", privilege_bits},
     {"copies that are interrupted can be gone on with", interrupted}, )
