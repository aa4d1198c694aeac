// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that fail, end or fill up in the middle of a copy, and copies that
 * are interrupted: what is reported as copied is there, and no more.
 */
#define _GNU_SOURCE
#include "disk.h"
#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (4 * MIB)
#define BAD  (2 * MIB) /* the bad part of the disk */

static char content[SIZE] __attribute__((aligned(4096)));
static char have[SIZE], old[SIZE];

static void expect_head(int buffer, size_t len)
{
	peek(buffer, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, len), -1);
}

/* Copy piece by piece until it fails; the bytes before are as they should. */
static void read_until_bad(int flags)
{
	struct disk disk;
	ssize_t ret = 0, done = 0;
	int buffer, file;

	need_patched();
	pattern(content, SIZE, 81);
	buffer = make_buffer("system", SIZE);
	disk = disk_create("ext4", 64 * MIB);
	file = disk_file(&disk, "file", content, SIZE, O_RDONLY | flags);
	disk_break(&disk, file, BAD);
	while (done < (ssize_t)SIZE) {
		ret = copy_once(file, done, buffer, done, 64 * KIB);
		if (ret <= 0)
			break;
		done += ret;
	}
	CHECK(ret == -1 && errno == EIO);
	CHECK(done <= (ssize_t)BAD && done >= (ssize_t)(BAD - 256 * KIB));
	expect_head(buffer, done);

	/* all in one go: it may give up earlier, but it claims nothing wrong */
	ret = copy_once(file, 0, buffer, 0, SIZE);
	CHECK(ret <= (ssize_t)BAD);
	if (ret > 0)
		expect_head(buffer, ret);
	else
		CHECK(ret == -1 && errno == EIO);
	close(file);
	disk_destroy(&disk);
}

static void read_until_bad_cached(void)
{
	read_until_bad(0);
}
static void read_until_bad_direct(void)
{
	read_until_bad(O_DIRECT);
}

static void write_to_bad(void)
{
	struct disk disk;
	int buffer, file;
	ssize_t ret;

	need_patched();
	pattern(content, SIZE, 82);
	buffer = make_buffer("system", SIZE);
	poke(buffer, content, SIZE, 0);
	disk = disk_create("ext4", 64 * MIB);
	file = disk_file(&disk, "file", content, SIZE, O_RDWR | O_DIRECT);
	disk_break(&disk, file, BAD);
	ret = copy_once(buffer, 0, file, 0, SIZE);
	CHECK(ret <= (ssize_t)BAD);
	ret = copy_once(buffer, BAD, file, BAD, 4096);
	CHECK(ret == -1 && errno == EIO);
	close(file);
	disk_destroy(&disk);
}

static void full_destination(void)
{
	struct disk disk;
	struct stat st;
	int buffer, file, flags;
	ssize_t ret, done;

	need_patched();
	pattern(content, SIZE, 83);
	buffer = make_buffer("system", 32 * MIB);
	poke(buffer, content, SIZE, 0);
	disk = disk_create("ext4", 16 * MIB);
	for (flags = 0;; flags = O_DIRECT) {
		file = disk_file(&disk, "file", "", 0, O_RDWR | flags);
		for (done = 0; done < (ssize_t)(32 * MIB); done += ret) {
			ret = copy_once(buffer, done, file, done, 32 * MIB - done);
			if (ret <= 0)
				break;
		}
		CHECK(ret == -1 && errno == ENOSPC);
		CHECK_EQ(fstat(file, &st), 0);
		CHECK_EQ(st.st_size, done);
		/* a direct write may fail as a whole */
		CHECK(done > (ssize_t)SIZE || (flags && !done));
		if (!done)
			break;
		read_at(disk_open(&disk, "file", O_RDONLY), have, SIZE, 0);
		CHECK_EQ(first_difference(have, content, SIZE), -1);
		close(file);
		if (flags)
			break;
	}
	disk_destroy(&disk);
}

static void quota(void)
{
	struct dqblk limit = {
		.dqb_bhardlimit = 100, /* KiB */
		.dqb_valid = QIF_BLIMITS,
	};
	const char *device = rig_is("uml") ? "/dev/ubda" : "/dev/vda";
	int buffer, file;
	ssize_t ret, done;

	need_patched();
	CHECK_EQ(quotactl(QCMD(Q_SETQUOTA, USRQUOTA), device, 2000, (void *)&limit), 0);
	CHECK(!quotactl(QCMD(Q_QUOTAON, USRQUOTA), device, 4, "") || errno == EBUSY ||
	      errno == EEXIST);
	buffer = make_buffer("system", SIZE);
	file = make_file("ext4", "quota", "", 0, O_RDWR);
	CHECK_EQ(fchown(file, 2000, 2000), 0);
	CHECK_EQ(setgid(2000), 0);
	CHECK_EQ(setuid(2000), 0);
	for (done = 0; done < (ssize_t)SIZE; done += ret) {
		ret = copy_once(buffer, done, file, done, SIZE - done);
		if (ret <= 0)
			break;
	}
	CHECK(ret == -1 && errno == EDQUOT);
	CHECK(done <= (ssize_t)(100 * KIB));
}

/* Truncate the file to every size, again and again. */
static void truncater(int file)
{
	uint64_t state = 84;

	for (;;) {
		if (ftruncate(file, rnd_below(&state, SIZE)))
			_exit(1);
		write_at(file, content, SIZE, 0);
	}
}

static void shrinking(int flags)
{
	int buffer, file, writer;
	double end = now() + 3;
	ssize_t ret, i;
	pid_t pid;

	need_patched();
	pattern(content, SIZE, 85);
	memset(old, 0x55, SIZE);
	buffer = make_buffer("system", SIZE);
	file = make_file("ext4", "shrinking", content, SIZE, O_RDONLY | flags);
	writer = open_file("ext4", "shrinking", O_RDWR);
	pid = fork();
	if (!pid)
		truncater(writer);
	while (now() < end) {
		poke(buffer, old, SIZE, 0);
		ret = copy_once(file, 0, buffer, 0, SIZE);
		CHECK(ret >= 0);
		peek(buffer, have, SIZE, 0);
		/* bytes of the file, or zeros in a part that it lost and regained */
		for (i = 0; i < ret; i++)
			if (have[i] != content[i] && have[i])
				fail(__FILE__, __LINE__, "byte %zd of %zd is %02x", i, ret,
				     (unsigned char)have[i]);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void shrinking_cached(void)
{
	shrinking(0);
}
static void shrinking_direct(void)
{
	shrinking(O_DIRECT);
}

static void on_alarm(int signal)
{
	(void)signal;
}

#define LONG (512 * MIB)

/* A copy that a signal may cut short continues. */
static void interrupted(void)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval often = {{0, 3000}, {0, 3000}};
	unsigned int shorter = 0;
	int buffer, file;
	size_t done;
	ssize_t ret;

	need_patched();
	pattern(content, SIZE, 86);
	buffer = make_buffer("system", LONG);
	file = make_file("ext4", "interrupted", "", 0, O_RDWR | O_DIRECT);
	CHECK_EQ(ftruncate(file, LONG), 0);
	write_at(open_file("ext4", "interrupted", O_WRONLY), content, SIZE, LONG - SIZE);
	forget_cache(file);
	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (done = 0; done < LONG; done += ret) {
		ret = copy_once(file, done, buffer, done, LONG - done);
		if (ret < 0 && errno == EINTR) {
			ret = 0;
			continue;
		}
		CHECK(ret > 0);
		shorter += ret < (ssize_t)(LONG - done);
	}
	memset(&often, 0, sizeof(often));
	setitimer(ITIMER_REAL, &often, NULL);
	note("%u of the calls were cut short", shorter);
	CHECK(shorter > 0);
	expect(buffer, content, SIZE, LONG - SIZE);
}

/* The process is gone, and soon. */
static void killed(void)
{
	int buffer, file, status;
	double start;
	pid_t pid;

	need_patched();
	buffer = make_buffer("system", LONG);
	file = make_file("ext4", "killed", "", 0, O_RDWR);
	CHECK_EQ(ftruncate(file, LONG), 0);
	pid = fork();
	if (!pid)
		for (;;)
			copy_once(file, 0, buffer, 0, LONG);
	usleep(100000);
	start = now();
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	note("gone after %.3f s", now() - start);
	CHECK(now() - start < 2);
}

CASE({"a cached copy from a bad disk claims only the bytes it read", read_until_bad_cached},
     {"a direct copy from a bad disk claims only the bytes it read", read_until_bad_direct},
     {"a copy to a bad disk fails", write_to_bad},
     {"a copy to a full disk claims only the bytes it wrote", full_destination},
     {"a copy is bound by its caller's quota", quota},
     {"a cached copy of a shrinking file invents nothing", shrinking_cached},
     {"a direct copy of a shrinking file invents nothing", shrinking_direct},
     {"a copy that is interrupted can be gone on with", interrupted},
     {"a copier that is killed is soon gone", killed}, )
