// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory in place of the regular file that a FUSE inode is passed through to: what opens
 * from before see, what is refused, and that no write is lost.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "server.h"
#include "uapi/fuse_memory.h"
#include "vm.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (256 * KIB)
#define ROOM (2 * SIZE)

static char content[SIZE], have[SIZE];
static const struct server_options first = {.file_first = true};

static int prepare(struct server *server, const struct server_options *options)
{
	need_patched();
	pattern(content, SIZE, 173);
	*server = server_create(options);
	return make_file("ext4", "fuse-first", content, SIZE, O_RDWR);
}

static void expect_file(int file, size_t len)
{
	struct stat st;

	CHECK_EQ(fstat(file, &st), 0);
	CHECK_EQ(st.st_size, len);
	CHECK_EQ(pread(file, have, SIZE, 0), len);
	CHECK_EQ(first_difference(have, content, len), -1);
}

/* No data passed the server. */
static void expect_idle(struct server *server)
{
	CHECK_EQ(server_asked(server, FUSE_READ), 0);
	CHECK_EQ(server_asked(server, FUSE_WRITE), 0);
}

/* All opens, from before and after, use the memory: write, read, map, size, end. */
static void moved(void)
{
	struct server server;
	int before, after, source = prepare(&server, &first);
	char *map;

	before = server_open(&server, O_RDWR);
	write_at(before, content, SIZE / 2, 0);
	CHECK_EQ(server_move(&server, ROOM), 0);
	expect_file(before, SIZE / 2);
	after = server_open(&server, O_RDWR);
	write_at(before, content + SIZE / 2, 5000, SIZE / 2);
	expect_file(after, SIZE / 2 + 5000);
	write_at(after, content + SIZE / 2 + 5000, SIZE / 2 - 5000, SIZE / 2 + 5000);
	expect_file(before, SIZE);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, before, 0);
	CHECK(map != MAP_FAILED);
	CHECK(!memcmp(map, content, SIZE));
	map[77] = content[77] = 'm';
	expect_file(after, SIZE);
	CHECK_EQ(copy_all(before, 0, source, 0, SIZE), SIZE);
	read_at(source, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	CHECK_EQ(munmap(map, SIZE), 0);
	CHECK_EQ(pwrite(after, content, 1, ROOM + 5), 1);
	expect_idle(&server);
	CHECK(server_asked(&server, FUSE_FALLOCATE) > 0);
	server_destroy(&server);
}

/* splice(2) and sendfile(2) into a file that was open before. */
static void spliced(void)
{
	struct server server;
	int file, source = prepare(&server, &first);

	file = server_open(&server, O_RDWR);
	write_at(file, "x", 1, 0);
	CHECK_EQ(server_move(&server, ROOM), 0);
	CHECK_EQ(lseek(source, 0, SEEK_SET), 0);
	CHECK_EQ(sendfile(file, source, NULL, SIZE), SIZE);
	expect_file(file, SIZE);
	expect_idle(&server);
	server_destroy(&server);
}

/* A file that is not empty is not replaced unless it is copied. */
static void not_empty(void)
{
	struct server server;
	int file;

	prepare(&server, &first);
	file = server_open(&server, O_RDWR);
	write_at(file, content, 10, 0);
	CHECK_EQ(server_bind(&server, ROOM), -EBUSY);
	expect_file(file, 10);
	CHECK_EQ(server_move(&server, 4096), 0);
	expect_file(file, 10);
	server_destroy(&server);
}

static void too_small(void)
{
	struct server server;
	int file;

	prepare(&server, &first);
	file = server_open(&server, O_RDWR);
	write_at(file, content, 5000, 0);
	CHECK_EQ(server_move(&server, 4096), -EINVAL);
	expect_file(file, 5000);
	server_destroy(&server);
}

/* Stores into a map of the file would be lost. */
static void mapped(void)
{
	static const int kinds[] = {MAP_SHARED, MAP_PRIVATE};
	struct server server;
	int file;

	prepare(&server, &first);
	file = server_open(&server, O_RDWR);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, kinds[i], file, 0);

		CHECK(map != MAP_FAILED);
		CHECK_EQ(server_bind(&server, ROOM), -EBUSY);
		CHECK_EQ(server_move(&server, ROOM), -EBUSY);
		CHECK_EQ(munmap(map, SIZE), 0);
	}
	CHECK_EQ(server_bind(&server, ROOM), 0);
	CHECK_EQ(server_unbind(&server), 0);
	CHECK_EQ(server_move(&server, ROOM), 0);
	server_destroy(&server);
}

/* A map outlives the open that it was made by. */
static void mapped_and_closed(void)
{
	struct server server;
	char *map;
	int file;

	prepare(&server, &first);
	file = server_open(&server, O_RDWR);
	write_at(file, content, SIZE, 0);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(map != MAP_FAILED);
	close(file);
	usleep(50000);
	CHECK_EQ(server_move(&server, ROOM), -EBUSY);
	CHECK_EQ(munmap(map, SIZE), 0);
	CHECK_EQ(server_move(&server, ROOM), 0);
	file = server_open(&server, O_RDWR);
	expect_file(file, SIZE);
	server_destroy(&server);
}

/* Without the memory it is the file again. */
static void taken_away(void)
{
	struct server server;
	int file, source = prepare(&server, &first);

	file = server_open(&server, O_RDWR);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
		expect_file(file, SIZE);
		CHECK_EQ(ftruncate(file, 0), 0);
		CHECK_EQ(server_unbind(&server), 0);
		write_at(file, content, 5000, 0);
		expect_file(file, 5000);
		CHECK_EQ(ftruncate(file, 0), 0);
	}
	expect_idle(&server);
	server_destroy(&server);
}

/* A copy into an empty file asks for memory first, and only that does. */
static void asks_first(void)
{
	struct server server;
	int file, source = prepare(&server, &first);

	file = server_open(&server, O_RDWR);
	write_at(file, "x", 1, 0);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	expect_file(file, SIZE);
	CHECK_EQ(server_asked(&server, FUSE_FALLOCATE), 0);
	CHECK_EQ(ftruncate(file, 0), 0);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	expect_file(file, SIZE);
	/* room, and the size */
	CHECK_EQ(server_asked(&server, FUSE_FALLOCATE), 2);
	CHECK_EQ(server_unbind(&server), 0);
	server_destroy(&server);
}

/* If the server has no memory the copy goes to the file; an error is one of the copy. */
static void has_none(void)
{
	struct server_options options = first;
	struct server server;
	int file, source;

	options.room = ROOM_UNBOUND;
	source = prepare(&server, &options);
	file = server_open(&server, O_RDWR);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	expect_file(file, SIZE);
	expect_idle(&server);
	server_destroy(&server);

	options.room = ROOM_NONE;
	source = prepare(&server, &options);
	file = server_open(&server, O_RDWR);
	CHECK_EQ(copy_once(source, 0, file, 0, SIZE), -1);
	CHECK_EQ(errno, ENOSPC);
	expect_file(file, 0);
	server_destroy(&server);
}

/* A writer that waits for the server does not wait for ever, nor does the server. */
static void beside_a_request(void)
{
	struct server_options options = first;
	struct server server;
	int file, source;
	pid_t pid;

	options.room = ROOM_WAIT;
	source = prepare(&server, &options);
	file = server_open(&server, O_RDWR);
	pid = server_copy(&server, source, file, SIZE);
	server_await(&server);
	server_go(&server);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	expect_file(file, SIZE);
	server_destroy(&server);
}

#define WRITES 4000
#define LONG   (256 * MIB) /* the move takes as long as some writes */

/* Writes bytes of its own, in turn with another process, through an open of its own. */
static pid_t start_writer(struct server *server, int number)
{
	pid_t pid = server_fork(server);

	if (pid)
		return pid;
	int file = server_open(server, O_RDWR);

	for (int i = number; i < WRITES; i += 2)
		write_at(file, content + i, 1, i);
	_exit(0);
}

/* The file is moved, and taken away, under writers. */
static void under_writers(void)
{
	const struct server_options options = {.file_first = true, .put_off = true};
	struct server server;
	int file, moves = 0, busy = 0, status;

	prepare(&server, &options);
	file = server_open(&server, O_RDWR);
	for (int round = 0; round < 10; round++) {
		pid_t writers[2];
		int ret;

		CHECK_EQ(ftruncate(file, LONG), 0);
		writers[0] = start_writer(&server, 0);
		writers[1] = start_writer(&server, 1);

		usleep(round * 1000);
		do {
			ret = server_move(&server, LONG);
			busy += ret == -EAGAIN || ret == -EBUSY;
			CHECK(!ret || ret == -EAGAIN || ret == -EBUSY);
		} while (ret);
		moves++;
		for (int i = 0; i < 2; i++) {
			CHECK_EQ(waitpid(writers[i], &status, 0), writers[i]);
			CHECK_EQ(status, 0);
		}
		CHECK_EQ(pread(file, have, WRITES, 0), WRITES);
		CHECK_EQ(first_difference(have, content, WRITES), -1);
		CHECK_EQ(ftruncate(file, 0), 0);
		CHECK_EQ(server_unbind(&server), 0);
	}
	note("%d moves, %d attempts met a writer", moves, busy);
	expect_idle(&server);
	server_destroy(&server);
}

CASE({"memory replaces the file in all opens", moved}, {"splice goes to the memory, too", spliced},
     {"a file that is not empty is copied, or stays", not_empty},
     {"a file that is longer than the memory stays", too_small},
     {"a file that is mapped stays", mapped},
     {"so does one whose map outlives its opens", mapped_and_closed},
     {"without its memory a file is what it was", taken_away},
     {"a copy into an empty file asks for memory first", asks_first},
     {"a copy into a file without memory goes to the file", has_none},
     {"a copy goes on after a wait for memory", beside_a_request},
     {"no write is lost when the file is moved", under_writers, 120}, )
