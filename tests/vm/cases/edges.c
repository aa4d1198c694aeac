// SPDX-License-Identifier: GPL-2.0-or-later
/* Copies at the ends of a file and of a buffer. */
#define _GNU_SOURCE
#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define SIZE (256 * KIB)

static char content[2 * SIZE], old[SIZE], want[SIZE];

/* A buffer full of known bytes, a file of len others. */
static void prepare(size_t len, int *buffer, int *file)
{
	need_patched();
	pattern(content, sizeof(content), 11);
	pattern(old, sizeof(old), 12);
	*buffer = make_buffer("system", SIZE);
	poke(*buffer, old, SIZE, 0);
	*file = make_file("ext4", "edges", content, len, O_RDWR | O_DIRECT);
}

static void too_small(void)
{
	int buffer, file;

	prepare(2 * SIZE, &buffer, &file);
	CHECK_EQ(copy_once(file, 0, buffer, 0, 2 * SIZE), SIZE);
	expect(buffer, content, SIZE, 0);
	CHECK_ERRNO(copy_once(file, SIZE, buffer, SIZE, SIZE), ENOSPC);
	CHECK_ERRNO(copy_once(file, 0, buffer, SIZE, 1), ENOSPC);
	CHECK_ERRNO(copy_once(file, 0, buffer, 10 * GIB, 1), ENOSPC);
	expect(buffer, content, SIZE, 0);
}

static void end_of_file(void)
{
	int buffer, file;

	prepare(1000, &buffer, &file);
	CHECK_EQ(copy_once(file, 0, buffer, 100, SIZE), 1000);
	CHECK_EQ(copy_once(file, 1000, buffer, 0, SIZE), 0);
	CHECK_EQ(copy_once(file, 5000, buffer, 0, SIZE), 0);
	memcpy(want, old, SIZE);
	memcpy(want + 100, content, 1000);
	expect(buffer, want, SIZE, 0);
}

static void end_of_buffer(void)
{
	int buffer, file;

	prepare(10, &buffer, &file);
	CHECK_EQ(copy_once(buffer, SIZE, file, 0, 1), 0);
	CHECK_EQ(copy_once(buffer, 3 * SIZE, file, 0, 1), 0);
	CHECK_EQ(copy_once(buffer, SIZE - 3, file, 0, SIZE), 3);
	read_at(file = open_file("ext4", "edges", O_RDONLY), want, 10, 0);
	CHECK(!memcmp(want, old + SIZE - 3, 3));
	CHECK(!memcmp(want + 3, content + 3, 7));
	CHECK_EQ(lseek(file, 0, SEEK_END), 10);
}

static void past_the_end(void)
{
	int buffer, file;

	prepare(10, &buffer, &file);
	CHECK_EQ(copy_all(buffer, 5, file, 1 * MIB + 5, 5000), 5000);
	file = open_file("ext4", "edges", O_RDONLY);
	CHECK_EQ(lseek(file, 0, SEEK_END), 1 * MIB + 5005);
	read_at(file, want, 5005, 1 * MIB);
	CHECK(!memcmp(want + 5, old + 5, 5000));
	memset(content, 0, SIZE);
	read_at(file, want, SIZE - 10, 10);
	CHECK(!memcmp(want, content, SIZE - 10));
}

static void empty(void)
{
	int buffer, file;

	prepare(1000, &buffer, &file);
	CHECK_EQ(copy_once(file, 0, buffer, 0, 0), 0);
	CHECK_EQ(copy_once(buffer, 0, file, 0, 0), 0);
	expect(buffer, old, SIZE, 0);
}

static void two_buffers(void)
{
	int a, b, file;
	ssize_t ret;

	prepare(1000, &a, &file);
	b = make_buffer("system", SIZE);
	poke(b, content, SIZE, 0);
	ret = copy_once(a, 0, b, 0, SIZE);
	if (ret < 0)
		CHECK_EQ(errno, EXDEV);
	expect(b, ret < 0 ? content : old, SIZE, 0);
	ret = copy_once(a, 0, a, SIZE / 2, SIZE / 4);
	CHECK(ret == -1 && errno == EXDEV);
	expect(a, old, SIZE, 0);
}

static void far_positions(void)
{
	int buffer, file;

	prepare(1000, &buffer, &file);
	CHECK_EQ(copy_once(file, -1, buffer, 0, 1), -1);
	CHECK(errno == EINVAL || errno == EOVERFLOW);
	CHECK_EQ(copy_once(file, 0, buffer, -1, 1), -1);
	CHECK(errno == EINVAL || errno == EOVERFLOW);
	CHECK(copy_once(file, LLONG_MAX, buffer, 0, 2) <= 0);
	CHECK_EQ(copy_once(file, 0, buffer, LLONG_MAX, 2), -1);
	CHECK_ERRNO(copy_file_range(file, NULL, buffer, NULL, 1, 1), EINVAL);
	expect(buffer, old, SIZE, 0);
}

/* The file positions move as copy_file_range(2) says. */
static void positions_move(void)
{
	int buffer, file;

	prepare(SIZE, &buffer, &file);
	CHECK_EQ(lseek(file, 100, SEEK_SET), 100);
	CHECK_EQ(copy_file_range(file, NULL, buffer, NULL, 5000, 0), 5000);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 5100);
	expect(buffer, content + 100, 5000, 0);
	CHECK_EQ(copy_file_range(file, NULL, buffer, NULL, 3000, 0), 3000);
	expect(buffer, content + 100, 8000, 0);
}

/* A hole is zeros, and zeros they are in a buffer that held others. */
static void sparse_source(void)
{
	static const char *const where[] = {"ext4", "xfs", "btrfs", "tmpfs"};
	static const int how[] = {0, O_DIRECT};
	size_t i, j;
	int buffer, file;

	prepare(1000, &buffer, &file);
	memset(want, 0, SIZE);
	memcpy(want + 100 * KIB, content, 10 * KIB);
	for (i = 0; i < ARRAY_SIZE(where); i++) {
		for (j = 0; j < ARRAY_SIZE(how); j++) {
			file = make_file(where[i], "sparse", "", 0, O_RDWR);
			CHECK_EQ(ftruncate(file, SIZE), 0);
			write_at(file, content, 10 * KIB, 100 * KIB);
			fsync(file);
			file = open_file(where[i], "sparse", O_RDONLY | how[j]);
			poke(buffer, old, SIZE, 0);
			CHECK_EQ(copy_all(file, 0, buffer, 0, SIZE), SIZE);
			expect(buffer, want, SIZE, 0);
		}
	}
}

CASE({"a copy fills a buffer, then returns ENOSPC", too_small},
     {"a copy ends at the end of the file", end_of_file},
     {"a copy ends at the end of the buffer", end_of_buffer},
     {"a copy behind the end of a file leaves zeros before it", past_the_end},
     {"an empty copy does nothing", empty},
     {"a copy between two buffers is exact, or EXDEV", two_buffers},
     {"positions that can't be are refused", far_positions},
     {"file positions move by the copied bytes", positions_move},
     {"a hole in a file becomes zeros", sparse_source}, )
