// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copies between ordinary files and a FUSE file with memory bound to it: the
 * server gives room and is told sizes, and never sees a byte.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "server.h"
#include "uapi/fuse_memory.h"
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (1 * MIB + 1234)

static char content[SIZE], other[SIZE], have[2 * SIZE];
static const struct server_options plain;

static int prepare(struct server *server, const struct server_options *options)
{
	need_patched();
	pattern(content, SIZE, 121);
	pattern(other, SIZE, 122);
	*server = server_create(options);
	return make_file("ext4", "fuse-copy", content, SIZE, O_RDWR);
}

/* The file shows this, to read() and by its size. */
static void expect_file(struct server *server, const char *want, size_t len)
{
	int fd = server_open(server, O_RDONLY);
	struct stat st;

	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, len);
	if (len)
		read_at(fd, have, len, 0);
	CHECK_EQ(first_difference(have, want, len), -1);
	CHECK_EQ(pread(fd, have, 1, len), 0);
	close(fd);
}

static void in(void)
{
	struct server server;
	struct fuse_memory_stat stat;
	int source = prepare(&server, &plain);
	int file = server_open(&server, O_RDWR);

	server_reset(&server);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	CHECK_EQ(server_asked(&server, FUSE_WRITE), 0);
	CHECK_EQ(server_asked(&server, FUSE_FALLOCATE), 2);
	CHECK_EQ(server.shared->room_offset, 0);
	CHECK_EQ(server.shared->room_length, SIZE);
	CHECK_EQ(server.shared->told_size, SIZE);
	CHECK_EQ(server_stat(&server, &stat), 0);
	CHECK_EQ(stat.why, FUSE_MEMORY_DIRECT);
	CHECK_EQ(stat.in_direct + stat.in_buffered, SIZE);
	CHECK(stat.in_buffered < 4096);
	/* but for the odd end the page cache was left alone */
	CHECK(cached_bytes(source, SIZE) <= 64 * KIB);
	expect_file(&server, content, SIZE);
	CHECK_EQ(server_asked(&server, FUSE_READ), 0);
	server_destroy(&server);
}

static void out(void)
{
	struct server server;
	struct fuse_memory_stat stat;
	int source = prepare(&server, &plain);
	int file = server_open(&server, O_RDWR), target;

	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	target = make_file("xfs", "fuse-out", other, 3, O_RDWR);
	server_reset(&server);
	CHECK_EQ(copy_all(file, 0, target, 0, SIZE), SIZE);
	CHECK_EQ(server_asked(&server, FUSE_READ), 0);
	CHECK_EQ(server_asked(&server, FUSE_FALLOCATE), 0);
	CHECK_EQ(server_stat(&server, &stat), 0);
	CHECK_EQ(stat.out_direct + stat.out_buffered, SIZE);
	CHECK(stat.out_buffered < 4096);
	read_at(target, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	CHECK_EQ(lseek(target, 0, SEEK_END), SIZE);
	/* it ends at the file's size, not at the memory's */
	CHECK_EQ(copy_once(file, SIZE, target, 0, 4096), 0);
	CHECK_EQ(copy_once(file, SIZE - 10, target, 0, 4096), 10);
	server_destroy(&server);
}

/* cp and cat find their way by themselves. */
static void tools(void)
{
	struct server server;
	char command[256];
	int i;
	static const char *const how[] = {
		"cp --sparse=never /data/ext4/fuse-copy %s",
		"cat /data/ext4/fuse-copy >%s",
		"cp %s /data/xfs/fuse-out",
		"cat %s >/data/xfs/fuse-out",
	};

	prepare(&server, &plain);
	for (i = 0; i < 4; i++) {
		snprintf(command, sizeof(command), how[i], server.path);
		server_reset(&server);
		CHECK_EQ(system(command), 0);
		context("%s", command);
		CHECK_EQ(server_asked(&server, FUSE_WRITE), 0);
		CHECK_EQ(server_asked(&server, FUSE_READ), 0);
		expect_file(&server, content, SIZE);
		if (i > 1) {
			read_at(open_file("xfs", "fuse-out", O_RDONLY), have, SIZE, 0);
			CHECK_EQ(first_difference(have, content, SIZE), -1);
		}
	}
	server_destroy(&server);
}

/* No byte of the old content shows. */
static void shorter_refill(void)
{
	static char zeros[SIZE];
	struct server server;
	int source = prepare(&server, &plain), file;

	file = server_open(&server, O_RDWR);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	close(file);
	file = server_open(&server, O_RDWR | O_TRUNC);
	expect_file(&server, content, 0);
	CHECK_EQ(copy_all(source, 0, file, 0, 5000), 5000);
	expect_file(&server, content, 5000);
	CHECK_EQ(ftruncate(file, SIZE), 0);
	memcpy(zeros, content, 5000);
	expect_file(&server, zeros, SIZE);
	server_destroy(&server);
}

static void behind_the_end(void)
{
	static char want[SIZE];
	struct server server;
	int source = prepare(&server, &plain), file;

	file = server_open(&server, O_RDWR);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	CHECK_EQ(ftruncate(file, 100), 0);
	CHECK_EQ(copy_all(source, 200 * KIB, file, 200 * KIB, 10000), 10000);
	memcpy(want, content, 100);
	memcpy(want + 200 * KIB, content + 200 * KIB, 10000);
	expect_file(&server, want, 200 * KIB + 10000);
	server_destroy(&server);
}

/* A sparse file over a longer one. */
static void sparse_over_full(void)
{
	static char want[SIZE];
	struct server server;
	char command[128];
	int source = prepare(&server, &plain), file, sparse;

	file = server_open(&server, O_RDWR);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	close(file);
	sparse = make_file("ext4", "fuse-sparse", "", 0, O_RDWR);
	CHECK_EQ(ftruncate(sparse, 700000), 0);
	write_at(sparse, other, 5000, 300000);
	fsync(sparse);
	memcpy(want + 300000, other, 5000);
	snprintf(command, sizeof(command), "cp /data/ext4/fuse-sparse %s", server.path);
	CHECK_EQ(system(command), 0);
	expect_file(&server, want, 700000);
	server_destroy(&server);
}

static void no_room(void)
{
	struct server server;
	int source = prepare(&server, &(struct server_options){.room = ROOM_NONE});
	int file = server_open(&server, O_RDWR);

	CHECK_ERRNO(copy_once(source, 0, file, 0, SIZE), ENOSPC);
	expect_file(&server, content, 0);
	server_destroy(&server);
}

static void half_the_room(void)
{
	struct server server;
	int source = prepare(&server, &(struct server_options){.room = ROOM_HALF});
	int file = server_open(&server, O_RDWR);
	ssize_t ret = copy_once(source, 0, file, 0, SIZE);

	CHECK(ret >= (ssize_t)SIZE / 2 && ret < (ssize_t)SIZE / 2 + 4096);
	expect_file(&server, content, ret);
	server_destroy(&server);
}

/* A server that says yes and does nothing: the tool has to fall back. */
static void room_of_words(void)
{
	struct server server;
	int source = prepare(&server, &(struct server_options){.room = ROOM_UNBOUND});
	int file = server_open(&server, O_RDWR);

	CHECK_EQ(copy_once(source, 0, file, 0, SIZE), -1);
	CHECK(errno == EXDEV || errno == ENOSPC);
	expect_file(&server, content, 0);
	server_destroy(&server);
}

static void not_opted_in(void)
{
	struct server server;
	int source = prepare(&server, &(struct server_options){.no_opt_in = true});
	int file = server_open(&server, O_RDWR);

	CHECK_ERRNO(copy_once(source, 0, file, 0, SIZE), EXDEV);
	CHECK_ERRNO(copy_once(file, 0, source, 0, 10), EXDEV);
	CHECK_EQ(server_asked(&server, FUSE_FALLOCATE), 0);
	server_destroy(&server);
}

/* A source in the page cache is copied from there. */
static void warm_source(void)
{
	struct server server;
	struct fuse_memory_stat stat;
	int source = prepare(&server, &plain);
	int file = server_open(&server, O_RDWR);

	read_at(source, have, SIZE, 0);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	CHECK_EQ(server_stat(&server, &stat), 0);
	CHECK_EQ(stat.why, FUSE_MEMORY_CACHED);
	expect_file(&server, content, SIZE);
	server_destroy(&server);
}

static void every_filesystem(void)
{
	struct server server;
	int i, source, file, target;

	prepare(&server, &plain);
	for (i = 0; filesystems[i]; i++) {
		context("%s", filesystems[i]);
		source = make_file(filesystems[i], "fuse-source", content, SIZE, O_RDONLY);
		file = server_open(&server, O_RDWR | O_TRUNC);
		CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
		expect_file(&server, content, SIZE);
		target = make_file(filesystems[i], "fuse-target", other, SIZE, O_RDWR);
		CHECK_EQ(copy_all(file, 777, target, 4000, SIZE - 4000), SIZE - 4000);
		read_at(target, have, SIZE, 0);
		CHECK_EQ(first_difference(have, other, 4000), -1);
		CHECK_EQ(first_difference(have + 4000, content + 777, SIZE - 4000), -1);
	}
	server_destroy(&server);
}

/* Written when it is copied, on every filesystem. */
static void synchronous(void)
{
	static const int flags[] = {O_SYNC, O_DSYNC, O_SYNC | O_DIRECT};
	struct server server;
	int source = prepare(&server, &plain), file, target, i, k;

	file = server_open(&server, O_RDWR);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	for (i = 0; filesystems[i]; i++) {
		for (k = 0; k < 3; k++) {
			context("%s, flags %x", filesystems[i], flags[k]);
			/* it passes O_DIRECT on, and odd ends are EXDEV */
			if ((flags[k] & O_DIRECT) && !strcmp(filesystems[i], "overlay"))
				continue;
			target = make_file(filesystems[i], "fuse-sync", other, 100,
					   O_RDWR | flags[k]);
			CHECK_EQ(copy_all(file, 0, target, 0, SIZE), SIZE);
			target = open_file(filesystems[i], "fuse-sync", O_RDONLY);
			read_at(target, have, SIZE, 0);
			CHECK_EQ(first_difference(have, content, SIZE), -1);
		}
	}
	server_destroy(&server);
}

/* From one FUSE file to another, without a deadlock. */
static void between_two(void)
{
	struct server a, b;
	int source = prepare(&a, &plain), from, to;
	ssize_t ret;

	b = server_create(&plain);
	from = server_open(&a, O_RDWR);
	to = server_open(&b, O_RDWR);
	CHECK_EQ(copy_all(source, 0, from, 0, SIZE), SIZE);
	ret = copy_all(from, 0, to, 0, SIZE);
	if (ret != -EXDEV) {
		CHECK_EQ(ret, SIZE);
		expect_file(&b, content, SIZE);
	}
	server_destroy(&a);
	server_destroy(&b);
}

/* The kernel's copy respects the set-id bits of the file. */
static void privilege_bits(void)
{
	struct server server;
	struct stat st;
	int source = prepare(&server, &plain), file, status;

	file = server_open(&server, O_RDWR);
	CHECK_EQ(fchmod(file, 06777), 0);
	if (!fork()) {
		CHECK_EQ(setgid(2000), 0);
		CHECK_EQ(setuid(2000), 0);
		CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
		_exit(0);
	}
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(fstat(file, &st), 0);
	CHECK_EQ(st.st_mode & 06000, 0);
	server_destroy(&server);
}

/* Writes go to the server and land in the same memory. */
static void writes_meet_copies(void)
{
	struct server server;
	int source = prepare(&server, &plain), file;

	file = server_open(&server, O_RDWR);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	write_at(file, other, 10000, 5000);
	memcpy(content + 5000, other, 10000);
	expect_file(&server, content, SIZE);
	CHECK_EQ(copy_all(source, 0, file, 7000, 100), 100);
	CHECK_EQ(pread(source, content + 7000, 100, 0), 100);
	expect_file(&server, content, SIZE);
	server_destroy(&server);
}

CASE({"a copy in is one request for room and one size", in},
     {"a copy out asks the server nothing", out}, {"cp and cat copy without the server", tools},
     {"a shorter refill shows no old byte", shorter_refill},
     {"a copy behind the end leaves zeros before it", behind_the_end},
     {"a sparse file over a longer one shows zeros", sparse_over_full},
     {"no room is ENOSPC and an empty file", no_room},
     {"half the room is half the copy", half_the_room},
     {"room that is not there falls back", room_of_words},
     {"without opting in nothing is new", not_opted_in},
     {"a cached source is copied from the cache", warm_source},
     {"copies from and to every filesystem are exact", every_filesystem},
     {"copies out to files that are written synchronously are exact", synchronous},
     {"a copy between two servers is exact, or EXDEV", between_two},
     {"a copy by another takes setuid and setgid away", privilege_bits},
     {"writes and copies meet in the same memory", writes_meet_copies}, )
