// SPDX-License-Identifier: GPL-2.0-or-later
/* Many copies at once in and out of FUSE files with memory, and long ones. */
#define _GNU_SOURCE
#include "memory.h"
#include "server.h"
#include "uapi/fuse_memory.h"
#include "vm.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define THREADS 8
#define SIZE	(1 * MIB)
#define ROUNDS	10

static const struct server_options plain;

struct job {
	pthread_t thread;
	int memory, disk;
	off_t at; /* in the file with memory */
	char *content, *have;
};

/* In, compare, and out again: the disk's file stays as it is. */
static void *work(void *arg)
{
	struct job *job = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		CHECK_EQ(copy_all(job->disk, 0, job->memory, job->at, SIZE), SIZE);
		read_at(job->memory, job->have, SIZE, job->at);
		CHECK_EQ(first_difference(job->have, job->content, SIZE), -1);
		CHECK_EQ(copy_all(job->memory, job->at, job->disk, 0, SIZE), SIZE);
		read_at(job->disk, job->have, SIZE, 0);
		CHECK_EQ(first_difference(job->have, job->content, SIZE), -1);
	}
	return NULL;
}

/* Each in a place of its own, in one of so many files. */
static void run_jobs(unsigned int files)
{
	static struct job jobs[THREADS];
	struct server servers[2];
	char name[32];
	unsigned int i;

	need_patched();
	for (i = 0; i < files; i++)
		servers[i] = server_create(&plain);
	for (i = 0; i < THREADS; i++) {
		struct job *job = &jobs[i];

		job->content = malloc(SIZE);
		job->have = aligned_alloc(4096, SIZE); /* O_DIRECT */
		pattern(job->content, SIZE, 211 + i);
		snprintf(name, sizeof(name), "fuse-parallel%u", i);
		job->disk = make_file(i & 2 ? "xfs" : "ext4", name, job->content, SIZE,
				      O_RDWR | O_DIRECT);
		job->memory = server_open(&servers[i % files], O_RDWR);
		/* neighbours share a page */
		job->at = i / files * SIZE + i / files * 100;
	}
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&jobs[i].thread, NULL, work, &jobs[i]), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(jobs[i].thread, NULL);
	for (i = 0; i < files; i++)
		server_destroy(&servers[i]);
}

static void one_file(void)
{
	run_jobs(1);
}
static void two_files(void)
{
	run_jobs(2);
}

/* In the server's place: memory that costs no more than 64 MiB. */
static struct server make_vast_server(size_t size)
{
	struct server server = server_create(&plain);
	struct fuse_backing_map map = {.fd = make_vast_buffer(size)};
	struct fuse_memory_bind bind = {.nodeid = FILE_NODE};

	atomic_store(&server.shared->size, size);
	atomic_store(&server.shared->capacity, size);
	close(server_open(&server, O_RDONLY));
	bind.backing_id = ioctl(server.shared->dev, FUSE_DEV_IOC_BACKING_OPEN, &map);
	CHECK(bind.backing_id > 0);
	CHECK_EQ(ioctl(server.shared->dev, FUSE_DEV_IOC_MEMORY_BIND, &bind), 0);
	return server;
}

static void beyond(void)
{
	static const off_t positions[] = {
		2 * GIB - SIZE / 2, 2 * GIB, 4 * GIB - SIZE / 2, 4 * GIB, 5 * GIB + 4096,
	};
	static char content[SIZE], have[SIZE];
	struct server server;
	int file, disk;
	size_t i;

	need_patched();
	server = make_vast_server(6 * GIB);
	file = server_open(&server, O_RDWR);
	disk = make_file("ext4", "fuse-beyond", "", 0, O_RDWR);
	CHECK_EQ(ftruncate(disk, 6 * GIB), 0);
	for (i = 0; i < ARRAY_SIZE(positions); i++) {
		context("position %lld", (long long)positions[i]);
		pattern(content, SIZE, 221 + i);
		write_at(disk, content, SIZE, positions[i]);
		forget_cache(disk);
		CHECK_EQ(copy_all(disk, positions[i], file, positions[i], SIZE), SIZE);
		CHECK_EQ(server.shared->told_size, 6 * GIB);
		read_at(file, have, SIZE, positions[i]);
		CHECK_EQ(first_difference(have, content, SIZE), -1);
		CHECK_EQ(copy_all(file, positions[i], disk, 100, SIZE), SIZE);
		read_at(disk, have, SIZE, 100);
		CHECK_EQ(first_difference(have, content, SIZE), -1);
	}
	server_destroy(&server);
}

/* One call for more than 4 GiB: it may stop early, but not go wrong. */
static void one_long_copy(void)
{
	const size_t len = 5 * GIB;
	static char content[SIZE], have[SIZE];
	struct server server;
	int file, disk;
	ssize_t ret;

	need_patched();
	server = make_vast_server(len);
	file = server_open(&server, O_RDWR);
	disk = make_file("ext4", "fuse-long", "", 0, O_RDWR);
	CHECK_EQ(ftruncate(disk, len), 0);
	pattern(content, SIZE, 231);
	write_at(disk, content, SIZE, len - SIZE);
	forget_cache(disk);
	ret = copy_once(disk, 0, file, 0, len);
	note("one call copied %zd of %zu bytes", ret, len);
	CHECK(ret > 0);
	CHECK_EQ(copy_all(disk, ret, file, ret, len - ret), len - ret);
	read_at(file, have, SIZE, len - SIZE);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	server_destroy(&server);
}

CASE({"parallel copies in and out of one file stay apart", one_file, 120},
     {"parallel copies in and out of two files stay apart", two_files, 120},
     {"copies of a file reach beyond 2 and 4 GiB", beyond},
     {"one copy of more than 4 GiB is not cut to 32 bits", one_long_copy}, )
