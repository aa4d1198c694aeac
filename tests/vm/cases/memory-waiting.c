// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A copy into a memory file waits for its disk and for nothing else, and delays no other
 * process: the file can be read, written, truncated, mapped and removed meanwhile, and
 * another one made in its directory. A killed copy leaves nothing of its last piece.
 */
#define _GNU_SOURCE
#include "disk.h"
#include "memory.h"
#include "memory_file.h"
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE  (64 * KIB)
#define DELAY 4000 /* milliseconds */

static char content[SIZE], old[SIZE];

struct waiting {
	struct memory_file file;
	struct disk disk;
	int source;
	pid_t copier;
};

/* The file is full of old bytes, or empty, and a copy of SIZE bytes into it waits. */
static struct waiting begin(const char *kind, bool filled)
{
	struct waiting w = {.file = memory_file_create(kind)};
	int direct = memory_file_direct(&w.file);

	pattern(content, SIZE, 61);
	pattern(old, SIZE, 62);
	if (filled)
		write_at(w.file.fd, old, SIZE, 0);
	w.disk = disk_create("ext4", 32 * MIB);
	w.source = disk_file(&w.disk, "source", content, SIZE, O_RDONLY | direct);
	disk_delay(&w.disk, DELAY);
	w.copier = fork();
	CHECK(w.copier >= 0);
	if (!w.copier)
		_exit(copy_all(w.source, 0, w.file.fd, 0, SIZE) != SIZE);
	disk_await(w.copier);
	return w;
}

static void still_waits(struct waiting *w)
{
	CHECK_EQ(outcome(w->copier, 0), -1);
}

static void end(struct waiting *w)
{
	disk_delay(&w->disk, 0);
	close(w->source);
	disk_destroy(&w->disk);
	memory_file_destroy(&w->file);
}

static void expect_content(struct waiting *w, const char *want, size_t len)
{
	static char have[SIZE];
	struct stat st;

	CHECK_EQ(fstat(w->file.fd, &st), 0);
	CHECK_EQ(st.st_size, len);
	if (len)
		read_at(w->file.fd, have, len, 0);
	CHECK_EQ(first_difference(have, want, len), -1);
}

/* All that others do to the file and beside it. */
static void use(struct waiting *w)
{
	char path[80], byte;
	struct stat st;
	char *map;
	int fd;

	fd = memory_file_open(&w->file, O_RDWR);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(pread(fd, &byte, 1, 0) >= 0);
	CHECK_EQ(ftruncate(fd, 100000), 0);
	map = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	map[90000] = 'm';
	munmap(map, 100000);
	write_at(fd, "w", 1, 95000);
	CHECK_EQ(ftruncate(fd, 0), 0);
	close(fd);
	if (!strcmp(w->file.kind, "memfd"))
		return;
	snprintf(path, sizeof(path), "%s-other", w->file.path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(unlink(w->file.path), 0);
}

static void others_go_on(const char *kind, bool filled)
{
	struct waiting w = begin(kind, filled);

	use(&w);
	still_waits(&w);
	CHECK_EQ(outcome(w.copier, 3 * DELAY), 0);
	/* Into new pages the copy is complete. What was there has been cut off since. */
	if (filled)
		expect_content(&w, NULL, 0);
	else
		expect_content(&w, content, SIZE);
	end(&w);
}

static void killed(const char *kind)
{
	struct waiting w = begin(kind, false);

	CHECK_EQ(kill(w.copier, SIGKILL), 0);
	/* the disk has the pages, so the kernel waits for its answer */
	still_waits(&w);
	CHECK_EQ(outcome(w.copier, 3 * DELAY), 128 + SIGKILL);
	/* the answer has come all the same, or not: nothing, or all of it */
	if (lseek(w.file.fd, 0, SEEK_END))
		expect_content(&w, content, SIZE);
	end(&w);
}

static void new_memfd(void)
{
	others_go_on("memfd", false);
}
static void new_shmem(void)
{
	others_go_on("shmem", false);
}
static void new_udmabuf(void)
{
	others_go_on("udmabuf", false);
}
static void filled_memfd(void)
{
	others_go_on("memfd", true);
}
static void filled_shmem(void)
{
	others_go_on("shmem", true);
}
static void killed_memfd(void)
{
	killed("memfd");
}
static void killed_shmem(void)
{
	killed("shmem");
}

CASE({"no other process waits for a copy into a new memfd", new_memfd},
     {"no other process waits for a copy into a new file on shmem", new_shmem},
     {"no other process waits for a copy into a new file on udmabuf", new_udmabuf},
     {"no other process waits for a copy into a memfd that is full", filled_memfd},
     {"no other process waits for a copy into a file on shmem that is full", filled_shmem},
     {"a killed copy into a memfd leaves whole pieces", killed_memfd},
     {"a killed copy into a file on shmem leaves whole pieces", killed_shmem}, )
