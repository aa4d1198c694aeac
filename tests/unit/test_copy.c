// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copies between files and buffers of every kind of memory: odd sizes and
 * positions, sources that end early, memory that runs out, cancelling.
 */
#include "copy/copy.h"
#include "fake_heap.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>

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

/*
 * Fault points: the memory's own calls, with something done before the nth
 * window or write, counted over all threads.
 */
static struct copy_memory real_memory;
static _Atomic int calls_before;
static int (*happen)(void); /* what it returns is the call's error, if not 0 */

static int maybe_happen(void)
{
	return --calls_before == 0 ? happen() : 0;
}

static int faulty_window(struct copy_memory *memory, struct copy_window *window, off_t offset,
			 size_t size, bool write)
{
	int err = maybe_happen();

	return err ? err : real_memory.ops->open_window(memory, window, offset, size, write);
}

static ssize_t faulty_write(struct copy_memory *memory, const void *data, size_t size, off_t offset)
{
	int err = maybe_happen();

	return err ? err : real_memory.ops->write(memory, data, size, offset);
}

static struct copy_memory faulty_memory(int calls, int (*what)(void))
{
	static struct copy_memory_ops ops;
	struct copy_memory memory;

	real_memory = copy_memory_of_buffer(buffer);
	ops = *real_memory.ops;
	ops.open_window = faulty_window;
	ops.write = faulty_write;
	calls_before = calls;
	happen = what;
	memory = real_memory;
	memory.ops = &ops;
	return memory;
}

#define LONG ((size_t)24 << 20)

static int shrink_source(void)
{
	ck_assert_int_eq(ftruncate(source, 10000001), 0);
	return 0;
}

/* What the source still had, or less where that was read before: never a hole. */
START_TEST(shrinking_source)
{
	struct copy_report report;
	ssize_t n;

	begin_kind(_i);
	fill_source(LONG);
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	copy.memory = faulty_memory(2, shrink_source);
	n = copy_run(pool, &copy, &report);
	ck_assert_int_ge(n, 10000001);
	ck_assert_int_le(n, (ssize_t)LONG);
	ck_assert_int_eq(report.error, 0);
	ck_assert_int_eq(size_of(buffer), n);
	assert_same_bytes(0, 0, 10000001);
	if (kinds[_i] == HEAP_PAGES)
		assert_gap_is_zero(buffer);
}
END_TEST

static int fail_with_eio(void)
{
	return -EIO;
}

/* What came before counts, what came after does not, and is gone. */
START_TEST(failing_memory)
{
	struct copy_report report;
	ssize_t n;

	begin_kind(_i);
	fill_source(LONG);
	for (int calls = 1; calls <= 7; calls++) {
		ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
		struct copy copy = copy_in(0, 0, UINT64_MAX);

		copy.memory = faulty_memory(calls, fail_with_eio);
		n = copy_run(pool, &copy, &report);
		ck_assert_int_eq(report.error, -EIO);
		ck_assert_int_lt(n, (ssize_t)LONG);
		ck_assert(n == -EIO || (n > 0 && (uint64_t)n == report.bytes));
		ck_assert_int_eq(size_of(buffer), n > 0 ? n : 0);
		if (n > 0)
			assert_same_bytes(0, 0, (size_t)n);
		if (kinds[_i] == HEAP_PAGES)
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

	copy.memory = faulty_memory(1, fail_with_eio);
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

/* As with read and write: what is written behind a cut makes the file longer again. */
START_TEST(truncated_meanwhile)
{
	struct copy_report report;

	begin_kind(_i);
	fill_source(LONG);
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	copy.memory = faulty_memory(3, truncate_buffer);
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
	if (kinds[_i] == HEAP_TREE_FILE)
		return; /* the kernel keeps that limit; tests/mount looks at it */
	fill_source(LONG);
	heap.budget.limit = LONG - 1;
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	copy.progress = &progress;
	ck_assert_int_eq(copy_run(pool, &copy, &report), -ENOSPC);
	ck_assert_int_eq(report.error, -ENOSPC);
	ck_assert_uint_eq(progress, 0);
	ck_assert_int_eq(size_of(buffer), 0);
	ck_assert_uint_eq(used_budget(&heap), 0);
	/* The next one fits. */
	copy.length = LONG / 2;
	ck_assert_int_eq(copy_run(pool, &copy, &report), LONG / 2);
	assert_same_bytes(0, 0, LONG / 2);
}
END_TEST

/* A kernel that copies by itself, until a device comes. */
static int copies_before_device;

static bool says_that_it_copies(struct copy_memory *memory)
{
	(void)memory;
	return true;
}

static ssize_t copy_in_by_kernel(struct copy_memory *memory, off_t offset, int from,
				 off_t from_offset, size_t size)
{
	char *bytes;
	ssize_t n;

	if (copies_before_device-- <= 0)
		return -EBUSY;
	bytes = aligned_alloc(4096, size); /* from may be open for direct I/O */
	n = pread(from, bytes, size, from_offset);
	n = n > 0 ? memory->ops->write(memory, bytes, (size_t)n, offset) : n;
	free(bytes);
	return n;
}

static struct copy copy_into_busy(int copies, enum copy_busy busy)
{
	static struct copy_memory_ops ops;
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	ops = *copy.memory.ops;
	ops.kernel_may_copy = says_that_it_copies;
	ops.copy_in = copy_in_by_kernel;
	copy.memory.ops = &ops;
	copy.busy = busy;
	copies_before_device = copies;
	return copy;
}

START_TEST(cpu_copies_into_busy_memory)
{
	struct copy_report report;

	begin_kind(_i);
	fill_source(LONG);
	for (int copies = 0; copies < 2; copies++) {
		ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
		struct copy copy = copy_into_busy(copies, COPY_BUSY_COPY);

		ck_assert_int_eq(copy_run(pool, &copy, &report), LONG);
		ck_assert_int_eq(report.error, 0);
		ck_assert_str_eq(report.engine, "bounce");
		ck_assert_ptr_nonnull(strstr(report.reason, "a device uses the buffer"));
		assert_same_bytes(0, 0, LONG);
	}
}
END_TEST

START_TEST(busy_memory_fails_where_that_is_asked_for)
{
	struct copy_report report;

	begin_kind(_i);
	fill_source(LONG);
	struct copy copy = copy_into_busy(0, COPY_BUSY_FAIL);

	ck_assert_int_eq(copy_run(pool, &copy, &report), -EBUSY);
	ck_assert_str_eq(report.engine, "none");
	ck_assert_ptr_nonnull(strstr(report.reason, "busy=fail"));
	ck_assert_int_eq(size_of(buffer), 0);

	/* What had come when the device came is there, and no more. */
	copy = copy_into_busy(1, COPY_BUSY_FAIL);
	ssize_t n = copy_run(pool, &copy, &report);

	ck_assert_int_gt(n, 0);
	ck_assert_int_lt(n, LONG);
	ck_assert_int_eq(report.error, -EBUSY);
	ck_assert_ptr_nonnull(strstr(report.reason, "busy=fail"));
	ck_assert_int_eq(size_of(buffer), n);
	assert_same_bytes(0, 0, (size_t)n);
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
	ssize_t n;

	begin_kind(_i);
	fill_source(LONG);
	cancel = false;
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	copy.cancel = &cancel;
	copy.memory = faulty_memory(2, set_cancel);
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

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

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

/* Neither end gets memory or blocks for what is a hole in the other. */
START_TEST(holes_are_left_out)
{
	const off_t far = (off_t)5 << 30;
	struct copy_report report;
	struct stat st = {0};
	char byte;

	begin_kind(_i);
	if (kinds[_i] == HEAP_PAGES)
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

#define MANY 500

static void count_done(void *context, ssize_t result, const struct copy_report *report)
{
	(void)report;
	if (result == 100001)
		++*(_Atomic int *)context;
}

/* Into one buffer, side by side. */
START_TEST(many_at_once)
{
	_Atomic int done = 0;

	begin_kind(_i);
	fill_source(100001);
	for (int i = 0; i < MANY; i++) {
		struct copy copy = copy_in(0, (off_t)i * 100001, UINT64_MAX);

		ck_assert_int_eq(copy_submit(pool, &copy, count_done, &done), 0);
	}
	while (done < MANY)
		usleep(1000);
	ck_assert_int_eq(size_of(buffer), (off_t)MANY * 100001);
	for (int i = 0; i < MANY; i++)
		assert_same_bytes(0, (off_t)i * 100001, 100001);
}
END_TEST

/* A long one that came first does not keep a short one waiting. */
START_TEST(short_ones_overtake)
{
	struct copy_report report;
	_Atomic uint64_t progress = 0;
	_Atomic int ignored = 0;
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	begin_kind(_i);
	fill_source(100001);
	cancel = false;
	struct copy endless = copy_in(0, 1 << 20, (uint64_t)1 << 30);

	endless.file = zero;
	endless.cancel = &cancel;
	endless.progress = &progress;
	ck_assert_int_eq(copy_submit(pool, &endless, count_done, &ignored), 0);
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	ck_assert_int_eq(copy_run(pool, &copy, &report), 100001);
	ck_assert_uint_lt(progress, (uint64_t)1 << 30);
	cancel = true;
	copy_pool_destroy(pool);
	pool = NULL;
	close(zero);
}
END_TEST

static void keep_result(void *context, ssize_t result, const struct copy_report *report)
{
	(void)result;
	*(_Atomic int *)context = report->error ? report->error : 1;
}

/* A file that hangs: whoever touches the memory is kept until it is let go. */
static _Atomic bool hanging;
static _Atomic int held;

static int hang(void)
{
	++held;
	while (hanging)
		usleep(1000);
	--held;
	return 0;
}

static int hang_in_window(struct copy_memory *memory, struct copy_window *window, off_t offset,
			  size_t size, bool write)
{
	hang();
	return real_memory.ops->open_window(memory, window, offset, size, write);
}

static ssize_t hang_in_write(struct copy_memory *memory, const void *data, size_t size,
			     off_t offset)
{
	hang();
	return real_memory.ops->write(memory, data, size, offset);
}

static bool does_not_copy(struct copy_memory *memory)
{
	(void)memory;
	return false;
}

static struct copy copy_that_hangs(void)
{
	static struct copy_memory_ops ops;
	struct copy copy = copy_in(0, 1 << 20, UINT64_MAX);

	real_memory = copy.memory;
	ops = *copy.memory.ops;
	ops.kernel_may_copy = does_not_copy;
	ops.open_window = hang_in_window;
	ops.write = hang_in_write;
	copy.memory.ops = &ops;
	return copy;
}

static void assert_copy_gets_through(void)
{
	struct copy_report report;
	struct copy copy = copy_in(0, 0, 100001);
	const double begin = now();

	ck_assert_int_eq(copy_run(pool, &copy, &report), 100001);
	ck_assert_double_lt(now() - begin, 20);
	assert_same_bytes(0, 0, 100001);
}

static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int count = -2; /* . and .. */

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* One that has been joined is in /proc for a moment longer. */
static int count_lasting_threads(void)
{
	int least = count_threads();

	for (int i = 0; i < 100; i++) {
		int count = count_threads();

		least = count < least ? count : least;
		usleep(1000);
	}
	return least;
}

static void wait_for_threads(int wanted)
{
	const double end = now() + 20;

	while (count_threads() != wanted) {
		ck_assert_double_lt(now(), end);
		usleep(1000);
	}
}

static const struct {
	unsigned int threads;
	int copies;
} hung[] = {{1, 1}, {1, 5}, {4, 1}, {4, 12}};

/* However many copies hang, another gets through; and one that hangs takes no more and more. */
START_TEST(hung_ones_hold_up_nobody)
{
	const int copies = hung[_i].copies;
	const unsigned int threads = hung[_i].threads;
	_Atomic int results[12] = {0};
	int before;

	copy_pool_destroy(pool);
	before = count_lasting_threads();
	ck_assert_int_eq(copy_pool_create(&pool, threads), 0);
	begin_kind(KINDS - 1);
	fill_source(LONG);
	hanging = true;
	const struct copy copy = copy_that_hangs();

	for (int i = 0; i < copies; i++)
		ck_assert_int_eq(copy_submit(pool, &copy, keep_result, &results[i]), 0);
	for (int i = 0; i < 3; i++)
		assert_copy_gets_through();
	usleep(1000 * 1000);
	ck_assert_int_le(held, copies * (int)threads);
	assert_copy_gets_through();

	hanging = false;
	for (int i = 0; i < copies; i++)
		while (!results[i])
			usleep(1000);
	for (int i = 0; i < copies; i++)
		ck_assert_int_eq(results[i], 1);
	assert_same_bytes(0, 1 << 20, LONG);
	/* Those that took the hung ones' places are gone. */
	wait_for_threads(before + (int)threads + 1);
	assert_copy_gets_through();
}
END_TEST

/* A third thread would spin at a lock. */
START_TEST(two_at_a_time_from_memory)
{
	const int memory = memfd_create("source", MFD_CLOEXEC);
	_Atomic int result = 0;
	off_t from = 0;

	begin_kind(_i);
	fill_source(LONG);
	ck_assert_int_eq(sendfile(memory, source, &from, LONG), LONG);
	hanging = true;
	struct copy copy = copy_that_hangs();

	copy.file = memory;
	ck_assert_int_eq(copy_submit(pool, &copy, keep_result, &result), 0);
	while (held < 2)
		usleep(1000);
	usleep(100 * 1000);
	ck_assert_int_eq(held, 2);
	hanging = false;
	while (!result)
		usleep(1000);
	ck_assert_int_eq(result, 1);
	assert_same_bytes(0, 1 << 20, LONG);
	close(memory);
}
END_TEST

static void *let_go_soon(void *context)
{
	usleep(600 * 1000);
	hanging = false;
	return context;
}

START_TEST(pool_ends_when_the_last_hung_one_has)
{
	_Atomic int result = 0;
	pthread_t thread;

	begin_kind(_i);
	fill_source(LONG);
	hanging = true;
	struct copy copy = copy_that_hangs();

	ck_assert_int_eq(copy_submit(pool, &copy, keep_result, &result), 0);
	assert_copy_gets_through();
	ck_assert_int_eq(pthread_create(&thread, NULL, let_go_soon, NULL), 0);
	copy_pool_destroy(pool);
	pool = NULL;
	ck_assert(!hanging);
	ck_assert_int_eq(result, -EINTR);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(pool_ends_what_is_under_way)
{
	_Atomic int results[10] = {0};

	begin_kind(_i);
	fill_source(LONG);
	for (int i = 0; i < 10; i++) {
		struct copy copy = copy_in(0, (off_t)LONG * i, UINT64_MAX);

		ck_assert_int_eq(copy_submit(pool, &copy, keep_result, &results[i]), 0);
	}
	copy_pool_destroy(pool);
	pool = NULL;
	for (int i = 0; i < 10; i++)
		ck_assert(results[i] == 1 || results[i] == -EINTR);
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
	add(suite, "shrinking source", shrinking_source, KINDS);
	add(suite, "failing memory", failing_memory, KINDS);
	add(suite, "failing over old bytes", failing_over_old_bytes, KINDS);
	add(suite, "truncated meanwhile", truncated_meanwhile, KINDS);
	add(suite, "no memory", no_memory, KINDS);
	add(suite, "busy, copy", cpu_copies_into_busy_memory, KINDS);
	add(suite, "busy, fail", busy_memory_fails_where_that_is_asked_for, KINDS);
	add(suite, "cancelled", cancelled, KINDS);
	add(suite, "pipes", pipes, KINDS);
	add(suite, "files without size", files_without_size, KINDS);
	add(suite, "unreadable source", unreadable_source, KINDS);
	add(suite, "out to files", out_to_files, KINDS * 3);
	add(suite, "holes", holes_are_left_out, KINDS);
	add(suite, "many at once", many_at_once, KINDS);
	add(suite, "short ones overtake", short_ones_overtake, KINDS);
	add(suite, "hung", hung_ones_hold_up_nobody, sizeof(hung) / sizeof(hung[0]));
	add(suite, "from memory", two_at_a_time_from_memory, KINDS);
	add(suite, "end of a pool that hangs", pool_ends_when_the_last_hung_one_has, KINDS);
	add(suite, "end of the pool", pool_ends_what_is_under_way, KINDS);
	add(suite, "reports", reports_are_a_line, 1);
	return run_suite(suite);
}
