/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of copies begin with: a source, a buffer of one kind of memory or
 * the other, and threads to copy with.
 */
#ifndef TESTS_COPIES_H
#define TESTS_COPIES_H

#include "copy/copy.h"
#include "fake_heap.h"

#include <time.h>

/* A source of several pieces. */
#define LONG ((size_t)24 << 20)

static const enum heap_memory kinds[] = {HEAP_TREE_FILE, HEAP_OWN_FILE, HEAP_PAGES};

#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

static struct fake_heap heap;
static struct buffer *buffer;
static struct copy_pool *pool;
static int source;
static int fds_before;

/* Where direct I/O is possible, which is not so on every /tmp. */
static inline int temporary_file(void)
{
	char path[] = "/var/tmp/dmaheapfs-copy.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	return fd;
}

static inline void setup(void)
{
	fds_before = count_fds();
	ck_assert_int_eq(copy_pool_create(&pool, 4), 0);
	source = temporary_file();
}

static inline void begin_kind(int kind)
{
	fake_heap_init(&heap, kinds[kind]);
	buffer = fake_buffer(&heap);
}

static inline void end_kind(void)
{
	buffer_destroy(buffer);
	ck_assert_uint_eq(used_budget(&heap), 0);
	ck_assert_int_eq(heap.starts, heap.ends);
	buffer = NULL;
}

static inline void teardown(void)
{
	if (buffer)
		end_kind();
	copy_pool_destroy(pool);
	close(source);
	ck_assert_int_eq(count_fds(), fds_before);
}

/* No two blocks are alike, and no byte is zero. */
static inline void fill_source(size_t size)
{
	char *bytes = malloc(size + 1);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(1 + (i * 7 + i / 251 + i / 65521) % 255);
	ck_assert_int_eq(pwrite(source, bytes, size, 0), (ssize_t)size);
	ck_assert_int_eq(ftruncate(source, (off_t)size), 0);
	free(bytes);
}

static inline struct copy copy_in(off_t from, off_t to, uint64_t length)
{
	return (struct copy){
		.direction = COPY_TO_MEMORY,
		.file = source,
		.file_offset = from,
		.memory = copy_memory_of_buffer(buffer),
		.memory_offset = to,
		.length = length,
		.direct = COPY_DIRECT_ALWAYS,
	};
}

static inline void assert_same_bytes(off_t in_file, off_t in_buffer, size_t size)
{
	char *expected = malloc(size + 1), *found = malloc(size + 1);
	size_t got = 0;

	ck_assert_int_eq(pread(source, expected, size, in_file), (ssize_t)size);
	while (got < size) {
		ssize_t n = buffer_read(buffer, found + got, size - got, in_buffer + (off_t)got);

		ck_assert_int_gt(n, 0);
		got += (size_t)n;
	}
	ck_assert(!memcmp(expected, found, size));
	free(expected);
	free(found);
}

static inline double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static inline void add(Suite *suite, const char *name, const TTest *test, int times)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test, 0, times);
	suite_add_tcase(suite, tcase);
}

#endif
