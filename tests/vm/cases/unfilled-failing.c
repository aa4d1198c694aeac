// SPDX-License-Identifier: GPL-2.0-or-later
/* After any failed copy, the rest of a new buffer is zeros. */
#define _GNU_SOURCE
#include "disk.h"
#include "memory.h"
#include "unfilled.h"
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void bad_disk(int flags)
{
	struct disk disk;
	int buffer, file, i, error;
	size_t done;

	prepare("system");
	disk = disk_create("ext4", 64 * MIB);
	file = disk_file(&disk, "file", content, SMALL, O_RDONLY | flags);
	disk_break(&disk, file, 1 * MIB);
	for (i = 0; i < 14; i++) {
		buffer = unfilled_buffer("system", SMALL);
		/* in pieces of all sizes, so that it fails after the first or later */
		for (done = 0, error = 0; !error && done < SMALL;)
			done += copy_some(file, done, buffer, done, (64 * KIB << i % 7) - i,
					  &error);
		CHECK_EQ(error, EIO);
		CHECK(done <= 1 * MIB);
		memcpy(want, content, done);
		expect_all(next_view(), buffer, SMALL);
		discard(buffer, SMALL);
	}
	close(file);
	disk_destroy(&disk);
}

static void bad_disk_cached(void)
{
	bad_disk(0);
}
static void bad_disk_direct(void)
{
	bad_disk(O_DIRECT);
}

/* Truncate the file to every size, again and again. */
static void truncater(int file)
{
	uint64_t state = 173;

	for (;;) {
		if (ftruncate(file, rnd_below(&state, SMALL)))
			_exit(1);
		write_at(file, content, SMALL, 0);
	}
}

static void shrinking(int flags)
{
	int buffer, file, writer;
	double end;
	pid_t pid;

	prepare("system");
	file = make_file("ext4", "shrinking", content, SMALL, O_RDONLY | flags);
	writer = open_file("ext4", "shrinking", O_RDWR);
	pid = fork();
	if (!pid)
		truncater(writer);
	for (end = now() + 4; now() < end;) {
		buffer = unfilled_buffer("system", SMALL);
		CHECK(copy_all(file, 0, buffer, 0, SMALL) >= 0);
		expect_nothing_else(buffer, SMALL);
		discard(buffer, SMALL);
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

static void killed(int flags)
{
	uint64_t state = 174;
	int file, buffer, i;
	pid_t pid;

	prepare("system");
	file = make_source(flags);
	for (i = 0; i < 14; i++) {
		forget_cache(file);
		buffer = unfilled_buffer("system", MEDIUM);
		pid = fork();
		if (!pid)
			for (;;)
				copy_all(file, 0, buffer, 0, MEDIUM);
		usleep(rnd_below(&state, 10000));
		kill(pid, SIGKILL);
		/* with and without waiting for its end */
		if (i % 2) {
			settle(buffer);
			expect_nothing_else(buffer, MEDIUM);
		}
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
		expect_nothing_else(buffer, MEDIUM);
		discard(buffer, MEDIUM);
	}
}

static void killed_cached(void)
{
	killed(0);
}
static void killed_direct(void)
{
	killed(O_DIRECT);
}

/* Written from memory that ends too early. */
static void broken_writer(void)
{
	char *map;
	int buffer;

	prepare("system");
	map = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(map != MAP_FAILED);
	memcpy(map, content, 8 * PAGE);
	CHECK_EQ(munmap(map + 4 * PAGE, 4 * PAGE), 0);
	buffer = unfilled_buffer("system", SMALL);
	CHECK_EQ(pwrite(buffer, map, 8 * PAGE, 0), 4 * PAGE);
	CHECK_ERRNO(pwrite(buffer, map + 4 * PAGE, PAGE, 10 * PAGE), EFAULT);
	memcpy(want, content, 4 * PAGE);
	expect_all(next_view(), buffer, SMALL);
}

CASE({"a cached copy that fails leaves zeros", bad_disk_cached},
     {"a direct copy that fails leaves zeros", bad_disk_direct},
     {"a cached copy of a shrinking file leaves zeros", shrinking_cached},
     {"a direct copy of a shrinking file leaves zeros", shrinking_direct},
     {"a cached copy that is killed leaves zeros", killed_cached, 120},
     {"a direct copy that is killed leaves zeros", killed_direct, 120},
     {"a write that fails half way leaves zeros", broken_writer}, )
