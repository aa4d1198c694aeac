/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixtures for tests of copies: a source, a buffer of each kind of memory, and threads to
 * copy with.
 */
#ifndef TESTS_COPIES_H
#define TESTS_COPIES_H

#include "copy/copy.h"
#include "fake_heap.h"

#include <time.h>

/* A source of several pieces. */
#define LONG ((size_t)24 << 20)

static const enum heap_memory kinds[] = {HEAP_TMPFS, HEAP_MEMFD, HEAP_DMABUF};

#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

static struct fake_heap heap;
static struct buffer *buffer;
static struct copy_pool *pool;
static int source;
static int fds_before;

/*
 * Fault points in the calls that a copy makes of its buffer. The linker puts the
 * functions below in their place (--wrap), so they run before the buffer's lock is
 * taken. NULL: nothing happens.
 */
static struct {
	/* Before each window and each write: its result, if not 0, is the call's error. */
	int (*before_io)(off_t offset);
	/* Called instead of buffer_copy_from_file(), which is announced as possible. */
	ssize_t (*copy_from_file)(off_t offset, int file, off_t file_offset, size_t size);
	/* copy_file_range(2) is announced as impossible. */
	bool no_copy_file_range;
	/* The calls of buffer_seek() with SEEK_HOLE. */
	_Atomic int hole_searches;
} faults;

int __real_buffer_window_open(struct buffer_window *window, struct buffer *buffer, off_t offset,
			      size_t size, bool write);
int __wrap_buffer_window_open(struct buffer_window *window, struct buffer *buffer, off_t offset,
			      size_t size, bool write);
ssize_t __real_buffer_write(struct buffer *buffer, const void *data, size_t size, off_t offset);
ssize_t __wrap_buffer_write(struct buffer *buffer, const void *data, size_t size, off_t offset);
bool __real_buffer_may_copy_file_range(struct buffer *buffer);
bool __wrap_buffer_may_copy_file_range(struct buffer *buffer);
ssize_t __real_buffer_copy_from_file(struct buffer *buffer, off_t offset, int file,
				     off_t file_offset, size_t size);
ssize_t __wrap_buffer_copy_from_file(struct buffer *buffer, off_t offset, int file,
				     off_t file_offset, size_t size);
off_t __real_buffer_seek(struct buffer *buffer, off_t offset, int whence);
off_t __wrap_buffer_seek(struct buffer *buffer, off_t offset, int whence);

int __wrap_buffer_window_open(struct buffer_window *window, struct buffer *target, off_t offset,
			      size_t size, bool write)
{
	const int error = faults.before_io ? faults.before_io(offset) : 0;

	return error ? error : __real_buffer_window_open(window, target, offset, size, write);
}

ssize_t __wrap_buffer_write(struct buffer *target, const void *data, size_t size, off_t offset)
{
	const int error = faults.before_io ? faults.before_io(offset) : 0;

	return error ? error : __real_buffer_write(target, data, size, offset);
}

bool __wrap_buffer_may_copy_file_range(struct buffer *target)
{
	if (faults.copy_from_file || faults.no_copy_file_range)
		return faults.copy_from_file;
	return __real_buffer_may_copy_file_range(target);
}

ssize_t __wrap_buffer_copy_from_file(struct buffer *target, off_t offset, int file,
				     off_t file_offset, size_t size)
{
	if (faults.copy_from_file)
		return faults.copy_from_file(offset, file, file_offset, size);
	return __real_buffer_copy_from_file(target, offset, file, file_offset, size);
}

off_t __wrap_buffer_seek(struct buffer *target, off_t offset, int whence)
{
	faults.hole_searches += whence == SEEK_HOLE;
	return __real_buffer_seek(target, offset, whence);
}

/* A copy and the wait for its end. */
struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool is_over;
	int64_t result;
	struct copy_report *report;
};

static inline void wake(void *context, int64_t result, const struct copy_report *report)
{
	struct waiting *waiting = context;
	guard(mutex)(&waiting->lock);

	waiting->result = result;
	*waiting->report = *report;
	waiting->is_over = true;
	pthread_cond_signal(&waiting->over);
}

static inline int64_t copy_run(struct copy_pool *copies, const struct copy *copy,
			       struct copy_report *report)
{
	struct waiting waiting = {.lock = PTHREAD_MUTEX_INITIALIZER,
				  .over = PTHREAD_COND_INITIALIZER,
				  .report = report};
	const int error = copy_submit(copies, copy, wake, &waiting);

	if (error)
		return error;
	guard(mutex)(&waiting.lock);
	while (!waiting.is_over)
		pthread_cond_wait(&waiting.over, &waiting.lock);
	return waiting.result;
}

/* Requires direct I/O, which not every /tmp has. */
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
	ck_assert_uint_eq(used_quota(&heap), 0);
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
		.buffer = buffer,
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
