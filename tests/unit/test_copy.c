// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copies between files and buffers of every kind of memory: odd sizes and
 * positions, sources that end early, memory that runs out, cancelling.
 */
#include "copy/copy.h"
#include "fake_heap.h"

#include <sys/stat.h>

static const enum heap_memory kinds[] = {HEAP_TREE_FILE, HEAP_OWN_FILE, HEAP_PAGES};

#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

static struct fake_heap heap;
static struct buffer *buffer;
static struct copy_pool *pool;
static int source;
static int fds_before;

/* Where direct I/O is possible, which is not so on every /tmp. */
static int temporary_file(void)
{
	char path[] = "/var/tmp/dmaheapfs-copy.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	return fd;
}

static void setup(void)
{
	fds_before = count_fds();
	ck_assert_int_eq(copy_pool_create(&pool, 4), 0);
	source = temporary_file();
}

static void begin_kind(int kind)
{
	fake_heap_init(&heap, kinds[kind]);
	buffer = fake_buffer(&heap);
}

static void end_kind(void)
{
	buffer_destroy(buffer);
	ck_assert_uint_eq(used_budget(&heap), 0);
	ck_assert_int_eq(heap.starts, heap.ends);
	buffer = NULL;
}

static void teardown(void)
{
	if (buffer)
		end_kind();
	copy_pool_destroy(pool);
	close(source);
	ck_assert_int_eq(count_fds(), fds_before);
}

/* No two blocks are alike, and no byte is zero. */
static void fill_source(size_t size)
{
	char *bytes = malloc(size + 1);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(1 + (i * 7 + i / 251 + i / 65521) % 255);
	ck_assert_int_eq(pwrite(source, bytes, size, 0), (ssize_t)size);
	ck_assert_int_eq(ftruncate(source, (off_t)size), 0);
	ck_assert_int_eq(fsync(source), 0);
	free(bytes);
}

static struct copy copy_in(off_t from, off_t to, uint64_t length)
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

static void assert_same_bytes(off_t in_file, off_t in_buffer, size_t size)
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

START_TEST(odd_sizes)
{
	static const size_t sizes[] = {0,     1,	 511,	    512,	  4095,
				       4096,  4097,	 65535,	    65536,	  100001,
				       1 << 20, (1 << 20) + 1, 5 << 20, (9 << 20) + 513};
	struct copy_report report;

	begin_kind(_i % KINDS);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fill_source(sizes[i]);
		ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
		struct copy copy = copy_in(0, 0, UINT64_MAX);

		copy.direct = (enum copy_direct)(_i / KINDS);
		ck_assert_int_eq(copy_run(pool, &copy, &report), (ssize_t)sizes[i]);
		ck_assert_int_eq(size_of(buffer), (off_t)sizes[i]);
		assert_same_bytes(0, 0, sizes[i]);
	}
}
END_TEST

START_TEST(odd_positions)
{
	static const off_t positions[] = {0, 1, 511, 512, 4095, 4096, 4608, 1 << 20};
	const size_t count = sizeof(positions) / sizeof(positions[0]);
	const size_t size = 3 << 20;
	struct copy_report report;

	begin_kind(_i);
	fill_source(size);
	for (size_t i = 0; i < count * count; i++) {
		off_t from = positions[i / count], to = positions[i % count];
		struct copy copy = copy_in(from, to, size - (size_t)from - 100);
		char before[4096 + 1], byte;

		ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
		memset(before, 'b', sizeof(before));
		ck_assert_int_eq(buffer_write(buffer, before, 4097, 0), 4097);
		ck_assert_int_eq(copy_run(pool, &copy, &report), (ssize_t)copy.length);
		ck_assert_int_eq(size_of(buffer), to + (off_t)copy.length);
		assert_same_bytes(from, to, copy.length);
		/* What lies before is as it was. */
		for (off_t at = 0; at < to; at += 97) {
			ck_assert_int_eq(buffer_read(buffer, &byte, 1, at), 1);
			ck_assert_int_eq(byte, at < 4097 ? 'b' : 0);
		}
	}
}
END_TEST

/* A copy into the middle touches no byte of what surrounds it. */
START_TEST(keeps_what_surrounds_it)
{
	const size_t size = 2 << 20;
	char *around = malloc(size), *found = malloc(size);
	struct copy_report report;

	begin_kind(_i);
	fill_source(size);
	memset(around, 'a', size);
	ck_assert_int_eq(buffer_write(buffer, around, size, 0), (ssize_t)size);
	struct copy copy = copy_in(0, 4096, 300001);

	ck_assert_int_eq(copy_run(pool, &copy, &report), 300001);
	ck_assert_int_eq(size_of(buffer), (off_t)size);
	assert_same_bytes(0, 4096, 300001);
	ck_assert_int_eq(buffer_read(buffer, found, size, 0), (ssize_t)size);
	ck_assert(!memcmp(found, around, 4096));
	ck_assert(!memcmp(found + 4096 + 300001, around, size - 4096 - 300001));
	free(around);
	free(found);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test, int times)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test, 0, times);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("copy");

	add(suite, "odd sizes", odd_sizes, KINDS * 3);
	add(suite, "odd positions", odd_positions, KINDS);
	add(suite, "surroundings", keeps_what_surrounds_it, KINDS);
	return run_suite(suite);
}
