// SPDX-License-Identifier: GPL-2.0-or-later
/* Buffers that are memory files until they become dma-bufs, and again after that. */
#include "fake_heap.h"

#include <sys/stat.h>

static struct fake_heap heap;
static struct buffer *buffer;
static uint64_t page;
static int fds_before;

/* The kernel's part: it copies the file, unless it is to fail. */
static struct {
	int moves, result, failures;
} kernel;

static int move(void *context, int dmabuf, int from)
{
	char bytes[3 * 65536];

	(void)context;
	kernel.moves++;
	if (kernel.failures && kernel.failures--)
		return kernel.result;
	if (from < 0)
		return 0;
	const ssize_t n = pread(from, bytes, sizeof(bytes), 0);

	ck_assert_int_ge(n, 0);
	ck_assert_int_eq(pwrite(dmabuf, bytes, (size_t)n, 0), n);
	return 0;
}

static uint64_t limit_of_files;

static int note_limit(struct heap *fake, uint64_t size)
{
	(void)fake;
	limit_of_files = size;
	return 0;
}

static void setup(void)
{
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	fds_before = count_fds();
	fake_heap_init(&heap, HEAP_DMABUF);
	heap.heap.file_first = true;
	heap.ops.resize = note_limit;
	heap.quota.shares = &heap.heap;
	heap.quota.limit = 1 << 20;
	kernel.moves = kernel.result = kernel.failures = 0;
	buffer = fake_buffer(&heap);
	buffer_on_move(buffer, move, NULL);
}

static void teardown(void)
{
	buffer_destroy(buffer);
	ck_assert_uint_eq(used_quota(&heap), 0);
	ck_assert_uint_eq(heap.quota.dmabufs, 0);
	ck_assert_int_eq(count_fds(), fds_before);
	ck_assert_int_eq(count_maps(), 0);
}

static void write_bytes(char byte, size_t size, off_t offset)
{
	scope(free) char *data = malloc(size);

	memset(data, byte, size);
	ck_assert_int_eq(buffer_write(buffer, data, size, offset), (ssize_t)size);
}

static void assert_file(void)
{
	ck_assert_int_eq(visited(buffer).state, BUFFER_FILE);
	ck_assert_int_eq(visited(buffer).dmabuf, -1);
	ck_assert_int_ge(visited(buffer).file, 0);
}

static void assert_dmabuf(uint64_t capacity)
{
	struct stat st;

	ck_assert_int_eq(visited(buffer).state, BUFFER_DMABUF);
	ck_assert_int_ge(visited(buffer).dmabuf, 0);
	ck_assert_uint_eq(buffer_capacity(buffer), capacity);
	ck_assert_uint_eq(used_quota(&heap), capacity);
	ck_assert_uint_eq(heap.quota.dmabufs, capacity);
	ck_assert_uint_eq(limit_of_files, heap.quota.limit - capacity);
	/* The file is there for later, and takes no memory. */
	ck_assert_int_eq(fstat(visited(buffer).file, &st), 0);
	ck_assert_int_eq(st.st_blocks, 0);
}

START_TEST(writes_go_to_the_file)
{
	struct stat st;

	assert_file();
	write_bytes('x', 5000, 0);
	ck_assert_int_eq(buffer_truncate(buffer, 9000), 0);
	assert_file();
	ck_assert_int_eq(heap.allocs, 1);
	ck_assert_int_eq(kernel.moves, 0);
	/* It is not the memory that others will have. */
	ck_assert_int_eq(buffer_open_memory(buffer), -ENOTSUP);
	ck_assert_int_eq(buffer_stat_memory(buffer, &st), -ENODATA);
}
END_TEST

START_TEST(memory_in_advance_is_a_dmabuf)
{
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, 5000), 0);
	assert_dmabuf(2 * page);
	ck_assert_uint_eq(buffer_size(buffer), 5000);
	write_bytes('x', 5000, 0);
	assert_filled(buffer, 'x', 0, 5000);
}
END_TEST

START_TEST(a_size_in_advance_is_a_dmabuf)
{
	ck_assert_int_eq(buffer_truncate(buffer, 65535), 0);
	assert_file();
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	ck_assert_int_eq(buffer_truncate(buffer, 65536), 0);
	assert_dmabuf(65536);
	ck_assert_uint_eq(buffer_size(buffer), 65536);
	assert_filled(buffer, 0, 0, 65536);
}
END_TEST

/* The time of the change is that of the dma-buf, not the file's before. */
START_TEST(a_size_in_advance_is_a_change)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	struct stat st = {0};

	ck_assert_int_eq(buffer_set_times(buffer, old), 0);
	ck_assert_int_eq(_i ? buffer_truncate(buffer, 65536) : buffer_allocate(buffer, 0, 0, 65536),
			 0);
	assert_dmabuf(65536);
	buffer_stat(buffer, &st);
	ck_assert_int_gt(st.st_mtim.tv_sec, 1000);
}
END_TEST

/* The kernel is going to copy that much. */
START_TEST(room_for_a_copy_is_a_dmabuf)
{
	ck_assert_int_eq(buffer_allocate(buffer, FALLOC_FL_KEEP_SIZE, 0, 65535), 0);
	assert_file();
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	ck_assert_int_eq(buffer_allocate(buffer, FALLOC_FL_KEEP_SIZE, 0, 65536), 0);
	assert_dmabuf(65536);
	ck_assert_uint_eq(buffer_size(buffer), 0);
}
END_TEST

START_TEST(a_fill_of_an_empty_file_is_a_dmabuf)
{
	struct buffer_fill fill;

	ck_assert_int_eq(buffer_fill_begin(&fill, buffer, 0, 5000, 0), 0);
	assert_dmabuf(2 * page);
	ck_assert_int_eq(buffer_fill_finish(&fill, buffer, 5000, 5000), 0);
	ck_assert_uint_eq(buffer_size(buffer), 5000);
}
END_TEST

/* A file with bytes stays one. */
START_TEST(memory_behind_bytes_is_the_files)
{
	struct buffer_fill fill;

	write_bytes('x', 10, 0);
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, 5000), 0);
	ck_assert_int_eq(buffer_fill_begin(&fill, buffer, 5000, 5000, 0), 0);
	ck_assert_int_eq(buffer_fill_finish(&fill, buffer, 5000, 5000), 0);
	assert_file();
	assert_filled(buffer, 'x', 0, 10);
	assert_filled(buffer, 0, 10, 10000);
}
END_TEST

START_TEST(a_busy_file_stays)
{
	kernel.result = -EBUSY;
	kernel.failures = 1;
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, 5000), 0);
	ck_assert_int_eq(kernel.moves, 1);
	assert_file();
	ck_assert_uint_eq(heap.quota.dmabufs, 0);
}
END_TEST

START_TEST(an_export_moves_the_bytes)
{
	struct stat before = {0}, after = {0};

	write_bytes('x', 5000, 0);
	buffer_stat(buffer, &before);
	scope(fd) int fd = buffer_export(buffer);

	ck_assert_int_ge(fd, 0);
	assert_dmabuf(2 * page);
	ck_assert(buffer_is_exported(buffer));
	assert_filled(buffer, 'x', 0, 5000);
	buffer_stat(buffer, &after);
	ck_assert_int_eq(after.st_size, 5000);
	ck_assert_int_eq(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
}
END_TEST

/* @_i: the error, and what the export ends with. */
static const struct {
	int result, failures, fd;
} failures[] = {
	{-EAGAIN, 3, 0}, {-EAGAIN, 1 << 20, -EBUSY}, {-EBUSY, 1 << 20, -EBUSY}, {-EIO, 1, -EIO}};

START_TEST(an_export_beside_writers)
{
	write_bytes('x', 5000, 0);
	kernel.result = failures[_i].result;
	kernel.failures = failures[_i].failures;
	scope(fd) int fd = buffer_export(buffer);

	if (!failures[_i].fd) {
		ck_assert_int_ge(fd, 0);
		assert_dmabuf(2 * page);
	} else {
		ck_assert_int_eq(fd, failures[_i].fd);
		assert_file();
		ck_assert_uint_eq(used_quota(&heap), 2 * page);
		ck_assert(!buffer_is_exported(buffer));
	}
	assert_filled(buffer, 'x', 0, 5000);
}
END_TEST

START_TEST(an_export_of_nothing)
{
	ck_assert_int_eq(buffer_export(buffer), -ENODATA);
	assert_file();
}
END_TEST

/* The heap has none, or the mount may have no more: nothing is lost. */
START_TEST(an_export_without_memory)
{
	write_bytes('x', 5000, 0);
	if (_i)
		heap.fail_alloc = 1;
	else
		heap.quota.limit = used_quota(&heap) - 1;
	const int fd = buffer_export(buffer);

	if (_i) {
		ck_assert_int_eq(fd, -ENOSPC);
		assert_file();
	} else {
		/* Its own bytes are those that are freed. */
		ck_assert_int_ge(fd, 0);
		close_fd(fd);
	}
	assert_filled(buffer, 'x', 0, 5000);
}
END_TEST

START_TEST(a_foreign_dmabuf_takes_its_place)
{
	const int fd = foreign_memory(page);

	ck_assert_int_eq(import(buffer, fd), 0);
	assert_dmabuf(page);
	close_fd(fd);
}
END_TEST

/* As cp refills a file. */
START_TEST(an_empty_buffer_is_a_file_again)
{
	struct stat st = {0};

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(buffer_allocate(buffer, 0, 0, 5000), 0);
		assert_dmabuf(2 * page);
		write_bytes('x', 5000, 0);
		ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
		assert_file();
		ck_assert_uint_eq(used_quota(&heap), 0);
		ck_assert_uint_eq(limit_of_files, heap.quota.limit);
		buffer_stat(buffer, &st);
		ck_assert_int_gt(st.st_mtim.tv_sec, 0);
		write_bytes('y', 100, 0);
		assert_file();
		assert_filled(buffer, 'y', 0, 100);
		ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	}
}
END_TEST

/* Memory that was asked for and not used is given back at the last close. */
START_TEST(unused_memory_is_given_back)
{
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, 5000), 0);
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	buffer_settle(buffer);
	assert_file();
	ck_assert_uint_eq(used_quota(&heap), 0);
}
END_TEST

START_TEST(an_exported_buffer_stays_a_dmabuf)
{
	write_bytes('x', 5000, 0);
	scope(fd) int fd = buffer_export(buffer);

	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	buffer_settle(buffer);
	ck_assert_int_eq(visited(buffer).state, BUFFER_DMABUF);
}
END_TEST

START_TEST(the_limit_is_shared)
{
	ck_assert_int_eq(buffer_allocate(buffer, FALLOC_FL_KEEP_SIZE, 0, 1 << 19), 0);
	ck_assert_uint_eq(limit_of_files, 1 << 19);
	ck_assert_int_eq(quota_resize(&heap.quota, &heap.heap, 3 << 19), 0);
	ck_assert_uint_eq(limit_of_files, 1 << 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buffer that is a file first");
	TCase *tests = tcase_create("staged");

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, writes_go_to_the_file);
	tcase_add_test(tests, memory_in_advance_is_a_dmabuf);
	tcase_add_test(tests, a_size_in_advance_is_a_dmabuf);
	tcase_add_loop_test(tests, a_size_in_advance_is_a_change, 0, 2);
	tcase_add_test(tests, room_for_a_copy_is_a_dmabuf);
	tcase_add_test(tests, a_fill_of_an_empty_file_is_a_dmabuf);
	tcase_add_test(tests, memory_behind_bytes_is_the_files);
	tcase_add_test(tests, a_busy_file_stays);
	tcase_add_test(tests, an_export_moves_the_bytes);
	tcase_add_loop_test(tests, an_export_beside_writers, 0, 4);
	tcase_add_test(tests, an_export_of_nothing);
	tcase_add_loop_test(tests, an_export_without_memory, 0, 2);
	tcase_add_test(tests, a_foreign_dmabuf_takes_its_place);
	tcase_add_test(tests, an_empty_buffer_is_a_file_again);
	tcase_add_test(tests, unused_memory_is_given_back);
	tcase_add_test(tests, an_exported_buffer_stays_a_dmabuf);
	tcase_add_test(tests, the_limit_is_shared);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
