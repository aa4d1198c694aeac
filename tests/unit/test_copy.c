// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copies between files and buffers of every kind of memory: odd sizes and
 * positions, sources that end early, memory that runs out, cancelling.
 */
#include "copies.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

START_TEST(odd_sizes)
{
	static const size_t sizes[] = {
		0,     1,     511,    512,     4095,	      4096,    4097,
		65535, 65536, 100001, 1 << 20, (1 << 20) + 1, 5 << 20, (9 << 20) + 513};
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

/* 4097 times 'b' and zeros up to @size, the place of the copy. */
static void assert_head_is_old(size_t size)
{
	char *found = malloc(size), *old = calloc(1, size);

	memset(old, 'b', size < 4097 ? size : 4097);
	ck_assert_int_eq(buffer_read(buffer, found, size, 0), (ssize_t)size);
	ck_assert(!memcmp(found, old, size));
	free(found);
	free(old);
}

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
		char before[4096 + 1];

		ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
		memset(before, 'b', sizeof(before));
		ck_assert_int_eq(buffer_write(buffer, before, 4097, 0), 4097);
		ck_assert_int_eq(copy_run(pool, &copy, &report), (ssize_t)copy.length);
		ck_assert_int_eq(size_of(buffer), to + (off_t)copy.length);
		assert_same_bytes(from, to, copy.length);
		assert_head_is_old((size_t)to);
	}
}
END_TEST

/* A copy in parts has room for all of it at first, if the size is known. */
START_TEST(room_for_later_requests)
{
	static const uint64_t asked[] = {0, 2 << 20, COPY_TO_THE_END},
			      capacity[] = {1 << 20, 2 << 20, 3 << 20};
	struct copy_report report;

	fake_heap_init(&heap, HEAP_DMABUF);
	buffer = fake_buffer(&heap);
	fill_source(3 << 20);
	struct copy copy = copy_in(0, 0, 1 << 20);

	copy.asked = asked[_i];
	ck_assert_int_eq(copy_run(pool, &copy, &report), 1 << 20);
	ck_assert_int_eq(size_of(buffer), 1 << 20);
	ck_assert_uint_eq(buffer_capacity(buffer), capacity[_i]);
}
END_TEST

/* The rest of a file ends it; a whole one behind others is one of many. */
START_TEST(room_behind_the_data)
{
	static const off_t from[] = {0, 1};
	static const uint64_t capacity[] = {6 << 20, 5 << 20};
	struct copy_report report;

	fake_heap_init(&heap, HEAP_DMABUF);
	buffer = fake_buffer(&heap);
	fill_source(4 << 20);
	struct copy first = copy_in(0, 0, 4 << 20);

	ck_assert_int_eq(copy_run(pool, &first, &report), 4 << 20);
	fill_source(1 << 20);
	ck_assert_int_eq(ftruncate(source, 1 << 20), 0);
	struct copy second = copy_in(from[_i], 4 << 20, COPY_TO_THE_END);

	ck_assert_int_eq(copy_run(pool, &second, &report), (1 << 20) - from[_i]);
	ck_assert_uint_eq(buffer_capacity(buffer), capacity[_i]);
}
END_TEST

/* A copy into the middle changes no byte around it. */
START_TEST(keeps_surrounding_bytes)
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

/* Something is done before the nth window or write, counted over all threads. */
static _Atomic int calls_before;
static int (*happen)(void); /* its result is the call's error, if not 0 */

static int maybe_happen(off_t offset)
{
	(void)offset;
	return --calls_before == 0 ? happen() : 0;
}

static void happen_before(int calls, int (*what)(void))
{
	calls_before = calls;
	happen = what;
	faults.before_io = maybe_happen;
}

static int shrink_source(void)
{
	ck_assert_int_eq(ftruncate(source, 10000001), 0);
	return 0;
}

/* The rest of the source, or less after earlier reads: never a hole. */
START_TEST(shrinking_source)
{
	struct copy_report report;
	int64_t n;

	begin_kind(_i);
	fill_source(LONG);
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	happen_before(2, shrink_source);
	n = copy_run(pool, &copy, &report);
	ck_assert_int_ge(n, 10000001);
	ck_assert_int_le(n, (ssize_t)LONG);
	ck_assert_int_eq(report.error, 0);
	ck_assert_int_eq(size_of(buffer), n);
	assert_same_bytes(0, 0, 10000001);
	if (kinds[_i] == HEAP_DMABUF)
		assert_gap_is_zero(buffer);
}
END_TEST

static int fail_with_eio(void)
{
	return -EIO;
}

/* Earlier data counts; later data does not, and is gone. */
START_TEST(failing_memory)
{
	struct copy_report report;
	int64_t n;

	begin_kind(_i);
	fill_source(LONG);
	for (int calls = 1; calls <= 7; calls++) {
		ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
		struct copy copy = copy_in(0, 0, UINT64_MAX);

		happen_before(calls, fail_with_eio);
		n = copy_run(pool, &copy, &report);
		ck_assert_int_eq(report.error, -EIO);
		ck_assert_int_lt(n, (ssize_t)LONG);
		ck_assert(n == -EIO || (n > 0 && (uint64_t)n == report.bytes));
		ck_assert_int_eq(size_of(buffer), n > 0 ? n : 0);
		if (n > 0)
			assert_same_bytes(0, 0, (size_t)n);
		if (kinds[_i] == HEAP_DMABUF)
			assert_gap_is_zero(buffer);
	}
}
END_TEST

/* Bytes that were there before a copy that fails are not cut off by it. */
START_TEST(failing_over_old_bytes)
{
	char *old = malloc(LONG);
	struct copy_report report;
	char byte;

	begin_kind(_i);
	fill_source(LONG);
	memset(old, 'o', LONG);
	ck_assert_int_eq(buffer_write(buffer, old, LONG, 0), LONG);
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	happen_before(1, fail_with_eio);
	ck_assert_int_lt(copy_run(pool, &copy, &report), (ssize_t)LONG);
	ck_assert_int_eq(size_of(buffer), LONG);
	ck_assert_int_eq(buffer_read(buffer, &byte, 1, LONG - 1), 1);
	ck_assert_int_ne(byte, 0);
	free(old);
}
END_TEST

static int truncate_buffer(void)
{
	ck_assert_int_eq(buffer_truncate(buffer, 4097), 0);
	return 0;
}

/* As with read and write: a write behind a cut extends the file again. */
START_TEST(truncated_meanwhile)
{
	struct copy_report report;

	begin_kind(_i);
	fill_source(LONG);
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	happen_before(3, truncate_buffer);
	ck_assert_int_eq(copy_run(pool, &copy, &report), LONG);
	ck_assert_int_eq(size_of(buffer), LONG);
	assert_same_bytes(0, 0, 4097);
}
END_TEST

START_TEST(no_memory)
{
	_Atomic uint64_t progress = 0;
	struct copy_report report;

	begin_kind(_i);
	if (kinds[_i] == HEAP_TMPFS)
		return; /* the kernel keeps that limit; tests/mount looks at it */
	fill_source(LONG);
	heap.quota.limit = LONG - 1;
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	copy.progress = &progress;
	ck_assert_int_eq(copy_run(pool, &copy, &report), -ENOSPC);
	ck_assert_int_eq(report.error, -ENOSPC);
	ck_assert_uint_eq(progress, 0);
	ck_assert_int_eq(size_of(buffer), 0);
	ck_assert_uint_eq(used_quota(&heap), 0);
	/* The next one fits. */
	copy.length = LONG / 2;
	ck_assert_int_eq(copy_run(pool, &copy, &report), LONG / 2);
	assert_same_bytes(0, 0, LONG / 2);
}
END_TEST

/* A kernel that copies by itself, and then refuses. */
static int copies_before_refusal;

static ssize_t copy_until_refusal(off_t offset, int file, off_t file_offset, size_t size)
{
	if (copies_before_refusal-- <= 0)
		return -EOPNOTSUPP;
	char *bytes = aligned_alloc(4096, size); /* the file may be open for direct I/O */
	ssize_t n = pread(file, bytes, size, file_offset);

	n = n > 0 ? buffer_write(buffer, bytes, (size_t)n, offset) : n;
	free(bytes);
	return n;
}

START_TEST(copies_what_the_kernel_refuses)
{
	struct copy_report report;

	begin_kind(_i);
	fill_source(LONG);
	faults.copy_from_file = copy_until_refusal;
	for (int copies = 0; copies < 2; copies++) {
		ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
		struct copy copy = copy_in(0, 0, UINT64_MAX);

		copies_before_refusal = copies;
		ck_assert_int_eq(copy_run(pool, &copy, &report), LONG);
		ck_assert_int_eq(report.error, 0);
		ck_assert_int_eq(!strcmp(report.engine, "copy_file_range"), copies);
		ck_assert_int_eq(!!strstr(report.reason, ", in part"), copies);
		assert_same_bytes(0, 0, LONG);
	}
}
END_TEST

static _Atomic bool cancel;

static int set_cancel(void)
{
	cancel = true;
	return 0;
}

START_TEST(cancelled)
{
	struct copy_report report;
	int64_t n;

	begin_kind(_i);
	fill_source(LONG);
	cancel = false;
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	copy.cancel = &cancel;
	happen_before(2, set_cancel);
	n = copy_run(pool, &copy, &report);
	ck_assert_int_lt(n, (ssize_t)LONG);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(report.error, -EINTR);
	ck_assert_int_eq(size_of(buffer), n);
	assert_same_bytes(0, 0, (size_t)n);
	/* One that is cancelled before it begins does nothing at all. */
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	ck_assert_int_eq(copy_run(pool, &copy, &report), -EINTR);
	ck_assert_int_eq(size_of(buffer), 0);
}
END_TEST

static void *cancel_soon(void *context)
{
	usleep(200 * 1000);
	cancel = true;
	return context;
}

START_TEST(pipes)
{
	struct copy_report report;
	pthread_t thread;
	int ends[2];

	begin_kind(_i);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "through a pipe", 14), 14);
	close(ends[1]);
	struct copy copy = copy_in(0, 100, UINT64_MAX);

	copy.file = ends[0];
	ck_assert_int_eq(copy_run(pool, &copy, &report), 14);
	ck_assert_int_eq(size_of(buffer), 114);
	ck_assert_str_eq(report.engine, "buffered");
	close(ends[0]);

	/* One that has fallen silent does not hold a cancelled copy. */
	ck_assert_int_eq(pipe(ends), 0);
	copy.file = ends[0];
	copy.cancel = &cancel;
	cancel = false;
	const double begin = now();

	ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
	ck_assert_int_eq(copy_run(pool, &copy, &report), -EINTR);
	ck_assert_double_lt(now() - begin, 1.0);
	pthread_join(thread, NULL);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(files_without_size)
{
	struct copy_report report;
	char text[256] = "";
	int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	begin_kind(_i);
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	copy.file = file;
	ck_assert_int_gt(copy_run(pool, &copy, &report), 100);
	ck_assert_int_eq(size_of(buffer), (off_t)report.bytes);
	ck_assert_int_gt(buffer_read(buffer, text, sizeof(text) - 1, 0), 0);
	ck_assert_ptr_nonnull(strstr(text, "Name:"));
	close(file);
}
END_TEST

START_TEST(unreadable_source)
{
	struct copy_report report;
	int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	begin_kind(_i);
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	copy.file = file;
	ck_assert_int_eq(copy_run(pool, &copy, &report), -EBADF);
	copy.file = directory;
	ck_assert_int_eq(copy_run(pool, &copy, &report), -EISDIR);
	ck_assert_int_eq(size_of(buffer), 0);
	close(file);
	close(directory);
}
END_TEST

static void fill_buffer(size_t size)
{
	struct copy_report report;

	fill_source(size);
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	ck_assert_int_eq(copy_run(pool, &copy, &report), (ssize_t)size);
}

START_TEST(out_to_files)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 65537, (3 << 20) + 511, 9 << 20};
	struct copy_report report;

	begin_kind(_i % KINDS);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int file = temporary_file();

		fill_buffer(sizes[i]);
		struct copy copy = copy_in(0, 0, UINT64_MAX);

		copy.direction = COPY_TO_FILE;
		copy.file = file;
		copy.file_offset = 5;
		copy.direct = (enum copy_direct)(_i / KINDS);
		ck_assert_int_eq(copy_run(pool, &copy, &report), (ssize_t)sizes[i]);
		ck_assert_int_eq(lseek(file, 0, SEEK_END), sizes[i] ? (off_t)sizes[i] + 5 : 0);
		/* And back again. */
		copy.direction = COPY_TO_MEMORY;
		ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
		ck_assert_int_eq(copy_run(pool, &copy, &report), (ssize_t)sizes[i]);
		assert_same_bytes(0, 0, sizes[i]);
		close(file);
	}
}
END_TEST

/* To find the next one takes as long as the file is large. */
START_TEST(holes_are_looked_for_once)
{
	struct copy_report report;

	begin_kind(_i);
	fill_buffer(LONG);
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	copy.direction = COPY_TO_FILE;
	faults.hole_searches = 0;
	ck_assert_int_eq(copy_run(pool, &copy, &report), (ssize_t)LONG);
	/* By each thread that began before any had found out. */
	ck_assert_int_le(faults.hole_searches, 4);
	ck_assert(faults.hole_searches || strcmp(report.engine, "direct"));
	assert_same_bytes(0, 0, LONG);
}
END_TEST

/* A hole in one end allocates no memory or block in the other. */
START_TEST(holes_are_left_out)
{
	const off_t far = (off_t)5 << 30;
	struct copy_report report;
	struct stat st = {0};
	char byte;

	begin_kind(_i);
	if (kinds[_i] == HEAP_DMABUF)
		return; /* has none */
	ck_assert_int_eq(pwrite(source, "first", 5, 0), 5);
	ck_assert_int_eq(pwrite(source, "last", 4, far), 4);
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	copy.fresh = true;
	ck_assert_int_eq(copy_run(pool, &copy, &report), far + 4);
	ck_assert_int_eq(size_of(buffer), far + 4);
	assert_same_bytes(0, 0, 8192);
	assert_same_bytes(far - 5000, far - 5000, 5004);
	ck_assert_int_eq(buffer_read(buffer, &byte, 1, far / 2), 1);
	ck_assert_int_eq(byte, 0);
	ck_assert_int_eq(fstat(buffer->file, &st), 0);
	ck_assert_int_lt(st.st_blocks * 512, 64 << 20);

	ck_assert_int_eq(ftruncate(source, 0), 0);
	copy.direction = COPY_TO_FILE;
	ck_assert_int_eq(copy_run(pool, &copy, &report), far + 4);
	assert_same_bytes(0, 0, 8192);
	assert_same_bytes(far - 5000, far - 5000, 5004);
	ck_assert_int_eq(fstat(source, &st), 0);
	ck_assert_int_lt(st.st_blocks * 512, 64 << 20);
}
END_TEST

START_TEST(reports_are_a_line)
{
	const struct copy_report report = {.engine = "direct",
					   .direct = true,
					   .bytes = 5,
					   .error = -EIO,
					   .seconds = 0.25,
					   .reason = "why not"};
	char line[COPY_LINE_BYTES];

	(void)_i;
	copy_report_print(&report, line);
	ck_assert_str_eq(line, "engine=direct direct=yes bytes=5 seconds=0.250000 reason=why not; "
			       "ended by: Input/output error");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("copy");

	add(suite, "odd sizes", odd_sizes, KINDS * 3);
	add(suite, "odd positions", odd_positions, KINDS);
	add(suite, "room", room_for_later_requests, 3);
	add(suite, "room behind", room_behind_the_data, 2);
	add(suite, "surroundings", keeps_surrounding_bytes, KINDS);
	add(suite, "shrinking source", shrinking_source, KINDS);
	add(suite, "failing memory", failing_memory, KINDS);
	add(suite, "failing over old bytes", failing_over_old_bytes, KINDS);
	add(suite, "truncated meanwhile", truncated_meanwhile, KINDS);
	add(suite, "no memory", no_memory, KINDS);
	add(suite, "refused by the kernel", copies_what_the_kernel_refuses, KINDS);
	add(suite, "cancelled", cancelled, KINDS);
	add(suite, "pipes", pipes, KINDS);
	add(suite, "files without size", files_without_size, KINDS);
	add(suite, "unreadable source", unreadable_source, KINDS);
	add(suite, "out to files", out_to_files, KINDS * 3);
	add(suite, "holes", holes_are_left_out, KINDS);
	add(suite, "looking for holes", holes_are_looked_for_once, KINDS);
	add(suite, "reports", reports_are_a_line, 1);
	return run_suite(suite);
}
