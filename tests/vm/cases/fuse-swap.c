// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that is swapped or taken away while others read it, copy it out and
 * map it. Every memory is full of one byte, a larger one each time, so that it
 * shows which memory, or how many, a read has seen.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "server.h"
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE   (64 * KIB)
#define ROUNDS 120
/* that a byte can tell apart */
#define MOST_SWAPS 250

static char have[SIZE];
static const struct server_options mapped = {.open = OPEN_PASSTHROUGH};

/* All of it is one byte, and none that was there before the one seen last. */
static int generation(const char *bytes, size_t len, int last)
{
	int byte = (unsigned char)bytes[0];
	size_t i;

	for (i = 1; i < len; i++)
		if (bytes[i] != bytes[0])
			fail(__FILE__, __LINE__, "%02x, and %02x at byte %zu", byte,
			     (unsigned char)bytes[i], i);
	if (byte < last || !byte)
		fail(__FILE__, __LINE__, "%02x after %02x", byte, last);
	return byte;
}

/* Each looks once, and returns the value it saw; or 0 for none. */
typedef int look(int file, int last);

static int by_read(int file, int last)
{
	CHECK_EQ(pread(file, have, SIZE, 0), SIZE);
	return generation(have, SIZE, last);
}

static int by_copy(int file, int last)
{
	static int target = -1;
	ssize_t ret;

	if (target < 0)
		target = make_file("ext4", "fuse-swap", "", 0, O_RDWR);
	ret = copy_once(file, 0, target, 0, SIZE);
	/* the memory is away */
	if (ret < 0 && errno == EXDEV)
		return 0;
	CHECK_EQ(ret, SIZE);
	CHECK_EQ(pread(target, have, SIZE, 0), SIZE);
	return generation(have, SIZE, last);
}

/* As long as it is mapped it is the memory of the file. */
static int by_map(int file, int last)
{
	char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, file, 0);
	int seen;

	if (map == MAP_FAILED) {
		CHECK_EQ(errno, ENODEV);
		return 0;
	}
	seen = generation(map, SIZE, last);
	CHECK_EQ(by_read(file, seen), seen);
	usleep(1000);
	CHECK_EQ(generation(map, SIZE, seen), seen);
	CHECK_EQ(munmap(map, SIZE), 0);
	return seen;
}

/* A map lasts as long as its file is open. */
static int by_open_and_map(struct server *server, int last)
{
	int file = open(server->path, O_RDWR | O_CLOEXEC), seen;

	/* it can be swapped between its answer and the open */
	if (file < 0) {
		CHECK_EQ(errno, EIO);
		return 0;
	}
	seen = by_map(file, last);
	close(file);
	return seen;
}

/* Look for ever, and fail on an unexpected value. */
static pid_t start(struct server *server, int file, look *look)
{
	pid_t pid = server_fork(server);
	int last = 1, seen;

	if (pid)
		return pid;
	for (;; usleep(500)) {
		seen = look ? look(file, last) : by_open_and_map(server, last);
		if (seen)
			last = seen;
	}
}

/* Both have come about: memory was swapped, and a map was in the way of it. */
static bool seen_both(look *look, int swaps, int refused)
{
	return swaps > 2 && (look || refused);
}

static void swap_under(look *look, bool take_away)
{
	int file, i, ret, patience, swaps = 0, refused = 0;
	struct server server;
	pid_t pid;

	need_patched();
	server = server_create(&mapped);
	atomic_store(&server.shared->size, SIZE);
	/* opened before it has memory: read and copied out of it can be */
	file = server_open(&server, O_RDWR);
	CHECK_EQ(server_swap(&server, SIZE, 1), 0);
	pid = start(&server, file, look);
	/* each of the two may be slow */
	for (i = 0; i < ROUNDS || !seen_both(look, swaps, refused); i++) {
		CHECK(i < 100 * ROUNDS && swaps < MOST_SWAPS);
		/* independent of the reader, which gets ever slower */
		patience = i < ROUNDS ? 1 : 2 + (i - ROUNDS) / 8;
		usleep((100 + i % 7 * 200) * patience);
		if (take_away && i % 3 == 2)
			ret = server_unbind(&server);
		else
			ret = server_swap(&server, SIZE + i % 2 * SIZE, 2 + swaps);
		CHECK(!ret || (ret == -EBUSY && look != by_read));
		refused += ret == -EBUSY;
		swaps += !ret;
	}
	note("%d of %d were done, %d refused", swaps, i, refused);
	CHECK_EQ(outcome(pid, 20), -1);
	kill(pid, SIGKILL);
	CHECK_EQ(outcome(pid, 3000), 128 + SIGKILL);
	server_destroy(&server);
}

static void swapped_read(void)
{
	swap_under(by_read, false);
}
static void swapped_copy(void)
{
	swap_under(by_copy, false);
}
static void swapped_map(void)
{
	swap_under(NULL, false);
}
static void unbound_read(void)
{
	swap_under(by_read, true);
}
static void unbound_copy(void)
{
	swap_under(by_copy, true);
}
static void unbound_map(void)
{
	swap_under(NULL, true);
}

/* Big enough that the kernel zeroes it for a while at its first map. */
#define NEW_MEMORY (192 * MIB)

static pid_t map_in_child(struct server *server, int file, atomic_bool *is_mapped)
{
	pid_t pid = server_fork(server);

	if (pid)
		return pid;
	if (mmap(NULL, NEW_MEMORY, PROT_READ, MAP_SHARED, file, 0) == MAP_FAILED)
		_exit(errno);
	atomic_store(is_mapped, true);
	pause();
	_exit(0);
}

/*
 * Two processes map new memory by one open file, and the first of them is killed while the
 * kernel zeroes the memory for it.
 */
static void killed_beside_a_map(void)
{
	atomic_bool *is_mapped = shared_memory(2 * sizeof(*is_mapped));
	struct server server;
	int i, file, killed = 0;

	need_patched();
	server = server_create(&mapped);
	/* keeps the inode, which the memory is bound to */
	server_open(&server, O_RDONLY);
	for (i = 0; i < 20; i++) {
		pid_t first, second;

		CHECK_EQ(server_bind(&server, NEW_MEMORY), 0);
		file = server_open(&server, O_RDWR);
		atomic_store(&is_mapped[0], false);
		atomic_store(&is_mapped[1], false);
		first = map_in_child(&server, file, &is_mapped[0]);
		usleep(2000);
		second = map_in_child(&server, file, &is_mapped[1]);
		usleep(1000 + i * 2000);
		killed += !atomic_load(&is_mapped[0]);
		kill(first, SIGKILL);
		CHECK_EQ(outcome(first, 5000), 128 + SIGKILL);
		while (!atomic_load(&is_mapped[1]))
			CHECK_EQ(outcome(second, 10), -1);
		CHECK_EQ(server_unbind(&server), -EBUSY);
		kill(second, SIGKILL);
		CHECK_EQ(outcome(second, 5000), 128 + SIGKILL);
		close(file);
		CHECK_EQ(server_unbind(&server), 0);
	}
	note("%d of %d were killed before they had the map", killed, i);
	CHECK(killed > 0);
	server_destroy(&server);
}

CASE({"a read shows one memory while it is swapped", swapped_read},
     {"a copy out shows one memory while it is swapped", swapped_copy},
     {"a map shows the memory that reads show, and is not swapped", swapped_map},
     {"a read shows one memory while it is taken away", unbound_read},
     {"a copy out shows one memory while it is taken away", unbound_copy},
     {"a map shows one memory while it is taken away", unbound_map},
     {"a map keeps its memory though another one was killed", killed_beside_a_map, 120}, )
