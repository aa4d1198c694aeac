// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Buffers of fixed pages: sizes, growth, zeros, exports, CPU access, and a heap that fails
 * at each of its points.
 */
#include "buffer/window.h"
#include "fake_heap.h"

static struct fake_heap heap;
static struct buffer *buffer;
static uint64_t page;
static int fds_before;

static void setup(void)
{
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	fds_before = count_fds();
	fake_heap_init(&heap, HEAP_DMABUF);
	buffer = fake_buffer(&heap);
	heap.watched = buffer;
}

/* On a kernel that reads and writes dma-bufs by itself. */
static void setup_with_io(void)
{
	setup();
	heap.takes_io = true;
}

/* A call that fails must not keep a lock; the next one would hide that by letting it go. */
static void assert_unlocked(void)
{
	ck_assert_int_eq(pthread_rwlock_trywrlock(&buffer->lock), 0);
	pthread_rwlock_unlock(&buffer->lock);
	ck_assert_int_eq(pthread_rwlock_trywrlock(&buffer->cpu_access), 0);
	pthread_rwlock_unlock(&buffer->cpu_access);
}

/* After each test all memory is freed and each cpu_access is closed. */
static void teardown(void)
{
	assert_unlocked();
	if (!buffer->exported)
		assert_gap_is_zero(buffer);
	ck_assert_uint_eq(used_quota(&heap), buffer_capacity(buffer));
	heap.watched = NULL;
	buffer_destroy(buffer);
	ck_assert_uint_eq(used_quota(&heap), 0);
	ck_assert_int_eq(heap.starts, heap.ends);
	ck_assert_int_eq(heap.start_amid_others, 0);
	ck_assert_int_eq(count_fds(), fds_before);
	ck_assert_int_eq(count_maps(), 0);
}

static void write_bytes(char byte, size_t size, off_t offset)
{
	char *data = malloc(size);

	memset(data, byte, size);
	ck_assert_int_eq(buffer_write(buffer, data, size, offset), (ssize_t)size);
	free(data);
}

static void assert_bytes(char byte, off_t begin, off_t end)
{
	assert_filled(buffer, byte, begin, end);
}

START_TEST(starts_empty)
{
	char data[8];
	struct stat st = {.st_size = 7, .st_blocks = 7};

	ck_assert_int_eq(buffer_read(buffer, data, 8, 0), 0);
	ck_assert_int_eq(buffer_seek(buffer, 0, SEEK_DATA), -ENXIO);
	ck_assert_int_eq(buffer_export(buffer), -ENODATA);
	ck_assert_int_eq(visited(buffer).dmabuf, -1);
	ck_assert_int_eq(visited(buffer).state, BUFFER_EMPTY);
	buffer_stat(buffer, &st);
	ck_assert_int_eq(st.st_size, 0);
	ck_assert_int_eq(st.st_blocks, 0);
	ck_assert_int_eq(heap.allocs, 0);
}
END_TEST

START_TEST(reads_written_bytes)
{
	char data[16] = "";

	ck_assert_int_eq(buffer_write(buffer, "hello", 5, 3), 5);
	ck_assert_int_eq(buffer_read(buffer, data, 16, 0), 8);
	ck_assert_mem_eq(data, "\0\0\0hello", 8);
	ck_assert_int_eq(buffer_read(buffer, data, 16, 7), 1);
	ck_assert_int_eq(buffer_read(buffer, data, 16, 8), 0);
	ck_assert_int_eq(buffer_read(buffer, data, 16, 1000000), 0);
	ck_assert_uint_eq(buffer_capacity(buffer), page);
}
END_TEST

START_TEST(seeks_to_data_and_the_end)
{
	write_bytes('x', 100, 0);
	ck_assert_int_eq(buffer_seek(buffer, 0, SEEK_DATA), 0);
	ck_assert_int_eq(buffer_seek(buffer, 99, SEEK_DATA), 99);
	ck_assert_int_eq(buffer_seek(buffer, 100, SEEK_DATA), -ENXIO);
	ck_assert_int_eq(buffer_seek(buffer, 0, SEEK_HOLE), 100);
	ck_assert_int_eq(buffer_seek(buffer, 100, SEEK_HOLE), -ENXIO);
	ck_assert_int_eq(buffer_seek(buffer, -1, SEEK_HOLE), -ENXIO);
	ck_assert_int_eq(buffer_seek(buffer, 0, SEEK_SET), -EINVAL);
}
END_TEST

/* No offset may overflow, and none may cost memory. */
START_TEST(max_offset)
{
	char data[8];

	ck_assert_int_eq(buffer_write(buffer, "x", 1, INT64_MAX), -EFBIG);
	ck_assert_int_eq(buffer_write(buffer, "xy", 2, INT64_MAX - 1), -EFBIG);
	ck_assert_int_eq(buffer_write(buffer, "x", 1, -1), -EINVAL);
	ck_assert_int_eq(buffer_read(buffer, data, 8, -1), -EINVAL);
	ck_assert_int_eq(buffer_read(buffer, data, 8, INT64_MAX), -EFBIG);
	ck_assert_int_eq(buffer_read(buffer, data, 8, INT64_MAX - 8), 0);
	ck_assert_int_eq(buffer_truncate(buffer, -1), -EINVAL);
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(buffer_allocate(buffer, 0, -1, 5), -EINVAL);
	ck_assert_int_eq(buffer_allocate(buffer, 0, INT64_MAX, 1), -EFBIG);
	ck_assert_int_eq(buffer_allocate(buffer, 0, 1, INT64_MAX), -EFBIG);
	heap.largest = 1u << 20;
	ck_assert_int_eq(buffer_write(buffer, "x", 1, INT64_MAX - 1), -ENOSPC);
	ck_assert_int_eq(buffer_truncate(buffer, INT64_MAX), -ENOSPC);
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, INT64_MAX), -ENOSPC);
	ck_assert_int_eq(size_of(buffer), 0);
}
END_TEST

static const int unknown_modes[] = {FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE,
				    FALLOC_FL_INSERT_RANGE, FALLOC_FL_UNSHARE_RANGE,
				    FALLOC_FL_ZERO_RANGE | FALLOC_FL_PUNCH_HOLE};

START_TEST(refuses_other_modes)
{
	ck_assert_int_eq(buffer_allocate(buffer, unknown_modes[_i], 0, 10), -EOPNOTSUPP);
}
END_TEST

static const struct {
	int mode;
	off_t offset, length;
	off_t size_after;
	uint64_t pages_after;
	off_t zero_begin, zero_end; /* of a file with 'x' from 0 to 6000 */
} allocations[] = {
	{0, 0, 100, 6000, 2, 0, 0},
	{0, 5000, 5000, 10000, 3, 0, 0},
	{FALLOC_FL_KEEP_SIZE, 5000, 5000, 6000, 3, 0, 0},
	{FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 5000, 6000, 2, 10, 5010},
	{FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 99999, 6000, 2, 10, 6000},
	{FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 99999, 10, 6000, 2, 0, 0},
	{FALLOC_FL_ZERO_RANGE, 10, 20, 6000, 2, 10, 30},
	{FALLOC_FL_ZERO_RANGE, 5000, 5000, 10000, 3, 5000, 6000},
	{FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 5000, 5000, 6000, 3, 5000, 6000},
};

START_TEST(allocates)
{
	off_t begin = allocations[_i].zero_begin, end = allocations[_i].zero_end;

	write_bytes('x', 6000, 0);
	ck_assert_int_eq(buffer_allocate(buffer, allocations[_i].mode, allocations[_i].offset,
					 allocations[_i].length),
			 0);
	ck_assert_int_eq(size_of(buffer), allocations[_i].size_after);
	if (page == 4096)
		ck_assert_uint_eq(buffer_capacity(buffer), allocations[_i].pages_after * page);
	assert_bytes('x', 0, begin);
	assert_bytes(0, begin, end);
	assert_bytes('x', end, 6000);
	assert_bytes(0, 6000, allocations[_i].size_after);
}
END_TEST

START_TEST(truncate_is_exact)
{
	ck_assert_int_eq(buffer_truncate(buffer, 10 * (off_t)page + 1), 0);
	ck_assert_uint_eq(buffer_capacity(buffer), 11 * page);
	ck_assert_int_eq(heap.allocs, 1);
	ck_assert_int_eq(size_of(buffer), 10 * (off_t)page + 1);
	assert_bytes(0, 0, 100);
}
END_TEST

START_TEST(no_old_byte_shows)
{
	write_bytes('x', 6000, 0);
	ck_assert_int_eq(buffer_truncate(buffer, 100), 0);
	ck_assert_int_eq(buffer_truncate(buffer, 6000), 0);
	assert_bytes('x', 0, 100);
	assert_bytes(0, 100, 6000);
}
END_TEST

START_TEST(refill_shows_no_old_byte)
{
	write_bytes('x', 6000, 0);
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	write_bytes('y', 10, 0);
	write_bytes('z', 10, 5000);
	assert_bytes('y', 0, 10);
	assert_bytes(0, 10, 5000);
}
END_TEST

START_TEST(empty_gives_memory_back)
{
	write_bytes('x', 6000, 0);
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	ck_assert_uint_eq(buffer_capacity(buffer), 0);
	ck_assert_uint_eq(used_quota(&heap), 0);
	ck_assert_int_eq(count_fds(), fds_before);
}
END_TEST

START_TEST(shrinking_much_gives_memory_back)
{
	ck_assert_int_eq(buffer_truncate(buffer, 16 << 20), 0);
	write_bytes('x', 100, 0);
	ck_assert_int_eq(buffer_truncate(buffer, 50), 0);
	ck_assert_uint_eq(buffer_capacity(buffer), page);
	assert_bytes('x', 0, 50);
	ck_assert_int_eq(buffer_truncate(buffer, 100), 0);
	assert_bytes(0, 50, 100);
}
END_TEST

/* A shrink can't fail: if it can't get a smaller buffer, it zeroes the cut part. */
START_TEST(shrinking_on_a_dry_heap)
{
	ck_assert_int_eq(buffer_truncate(buffer, 16 << 20), 0);
	write_bytes('x', 6000, 0);
	heap.fail_alloc = 1;
	ck_assert_int_eq(buffer_truncate(buffer, 50), 0);
	ck_assert_uint_eq(buffer_capacity(buffer), 16 << 20);
	ck_assert_int_eq(size_of(buffer), 50);
}
END_TEST

/* Growing by small writes costs few moves, and settling gives the surplus back. */
START_TEST(growth_is_amortised)
{
	enum { PIECE = 64 << 10, PIECES = 512 };

	for (int i = 0; i < PIECES; i++)
		write_bytes((char)('a' + i % 26), PIECE, (off_t)i * PIECE);
	ck_assert_int_lt(heap.allocs, 20);
	ck_assert_uint_gt(buffer_capacity(buffer), (uint64_t)PIECE * PIECES);
	buffer_settle(buffer);
	ck_assert_uint_eq(buffer_capacity(buffer), (uint64_t)PIECE * PIECES);
	for (int i = 0; i < PIECES; i++)
		assert_bytes((char)('a' + i % 26), (off_t)i * PIECE + PIECE - 1,
			     (off_t)i * PIECE + PIECE);
}
END_TEST

static void fill_piece(off_t offset, uint64_t size)
{
	struct buffer_fill fill;

	ck_assert_int_eq(buffer_fill_begin(&fill, buffer, offset, size, 0), 0);
	ck_assert_int_eq(buffer_fill_finish(&fill, buffer, size, size), 0);
}

/* As by programs that copy in pieces; one copy of all bytes allocates exactly that. */
START_TEST(filling_by_pieces_is_amortised)
{
	enum { PIECE = 64 << 10, PIECES = 512 };

	fill_piece(0, PIECE);
	ck_assert_uint_eq(buffer_capacity(buffer), PIECE);
	for (int i = 1; i < PIECES; i++)
		fill_piece((off_t)i * PIECE, PIECE);
	ck_assert_int_lt(heap.allocs, 20);
	ck_assert_int_eq(size_of(buffer), (off_t)PIECE * PIECES);
	buffer_settle(buffer);
	ck_assert_uint_eq(buffer_capacity(buffer), (uint64_t)PIECE * PIECES);
}
END_TEST

/* 4 pages in advance, or 2, or 1 are too much; there is no less than the exact size. */
START_TEST(fills_exactly_where_more_is_not_to_be_had)
{
	struct buffer_fill fill;

	fill_piece(0, 10 * page);
	heap.largest = 11 * page;
	fill_piece(10 * (off_t)page, page);
	ck_assert_int_eq(heap.allocs, 5);
	ck_assert_uint_eq(buffer_capacity(buffer), 11 * page);
	heap.quota.limit = used_quota(&heap) + page;
	ck_assert_int_eq(buffer_fill_begin(&fill, buffer, 11 * (off_t)page, 2 * page, 0), -ENOSPC);
	ck_assert_uint_eq(buffer_capacity(buffer), 11 * page);
}
END_TEST

/* A file that has grown again after it was closed, and has room in advance. */
static void appended(void)
{
	write_bytes('x', 8 << 20, 0);
	write_bytes('x', page, 8 << 20);
	buffer_settle(buffer);
	write_bytes('x', page, (8 << 20) + (off_t)page);
	buffer_settle(buffer);
	ck_assert_uint_gt(buffer_capacity(buffer), 12 << 20);
}

/* As by a program that opens a file for each record that it appends. */
START_TEST(appending_is_amortised)
{
	enum { PIECE = 64 << 10, PIECES = 512 };

	for (int i = 0; i < PIECES; i++) {
		write_bytes('x', PIECE, (off_t)i * PIECE);
		buffer_settle(buffer);
	}
	ck_assert_int_lt(heap.allocs, 30);
	ck_assert_uint_le(buffer_capacity(buffer), (uint64_t)PIECE * PIECES * 3 / 2);
	/* A rewrite leaves only the memory that it needs. */
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	write_bytes('x', 2 << 20, 0);
	write_bytes('x', 3 << 20, 2 << 20);
	write_bytes('x', PIECE, 5 << 20);
	buffer_settle(buffer);
	ck_assert_uint_eq(buffer_capacity(buffer), (5 << 20) + PIECE);
}
END_TEST

/* More than growing by pieces takes is given back, however often that was done before. */
START_TEST(unused_room_is_given_back)
{
	struct buffer_fill fill;

	appended();
	ck_assert_int_eq(buffer_fill_begin(&fill, buffer, size_of(buffer), 100 << 20, 0), 0);
	ck_assert_int_eq(buffer_fill_finish(&fill, buffer, 0, 0), 0);
	buffer_settle(buffer);
	ck_assert_uint_eq(buffer_capacity(buffer), size_of(buffer));
	/* Nor does memory of a file that stayed empty count as given back once. */
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	ck_assert_int_eq(buffer_fill_begin(&fill, buffer, 0, 1 << 20, 0), 0);
	ck_assert_int_eq(buffer_fill_finish(&fill, buffer, 0, 0), 0);
	buffer_settle(buffer);
	ck_assert_uint_eq(buffer_capacity(buffer), 0);
	write_bytes('x', 4 << 20, 0);
	write_bytes('x', page, 4 << 20);
	buffer_settle(buffer);
	ck_assert_uint_eq(buffer_capacity(buffer), (4 << 20) + page);
}
END_TEST

START_TEST(exported_buffer_has_no_spare_memory)
{
	int fd;

	appended();
	fd = buffer_export(buffer);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), size_of(buffer));
	close(fd);
}
END_TEST

/* Of the last piece it is known that nothing follows. */
START_TEST(the_last_piece_takes_nothing_in_advance)
{
	struct buffer_fill fill;

	fill_piece(0, 4 << 20);
	ck_assert_int_eq(buffer_fill_begin(&fill, buffer, 4 << 20, page, page), 0);
	ck_assert_int_eq(buffer_fill_finish(&fill, buffer, page, page), 0);
	ck_assert_uint_eq(buffer_capacity(buffer), (4 << 20) + page);
}
END_TEST

/* A copy of several calls gets all its memory at once. */
START_TEST(announced_bytes_have_room)
{
	struct buffer_fill fill;

	ck_assert_int_eq(buffer_fill_begin(&fill, buffer, 0, 4 << 20, (5 << 20) + 1), 0);
	ck_assert_int_eq(buffer_fill_finish(&fill, buffer, 4 << 20, 4 << 20), 0);
	ck_assert_int_eq(size_of(buffer), 4 << 20);
	ck_assert_uint_eq(buffer_capacity(buffer), (5 << 20) + page);
	ck_assert_int_eq(buffer_fill_begin(&fill, buffer, 4 << 20, (1 << 20) + 1, (1 << 20) + 1),
			 0);
	ck_assert_int_eq(buffer_fill_finish(&fill, buffer, (1 << 20) + 1, (1 << 20) + 1), 0);
	ck_assert_int_eq(heap.allocs, 1);
	ck_assert_int_eq(size_of(buffer), (5 << 20) + 1);
}
END_TEST

START_TEST(announced_bytes_need_no_room)
{
	struct buffer_fill fill;

	heap.largest = 4 << 20;
	ck_assert_int_eq(buffer_fill_begin(&fill, buffer, 0, 3 << 20, UINT64_MAX), 0);
	ck_assert_int_eq(buffer_fill_finish(&fill, buffer, 1 << 20, 1 << 20), 0);
	ck_assert_int_eq(buffer_fill_begin(&fill, buffer, 1 << 20, 3 << 20, 4 << 20), 0);
	ck_assert_int_eq(buffer_fill_finish(&fill, buffer, 3 << 20, 3 << 20), 0);
	ck_assert_uint_eq(buffer_capacity(buffer), 4 << 20);
	ck_assert_int_eq(size_of(buffer), 4 << 20);
}
END_TEST

START_TEST(growth_is_amortised_up_to_the_heaps_end)
{
	enum { PIECE = 16 << 10, PIECES = 512 };

	heap.largest = (size_t)PIECE * PIECES;
	for (int i = 0; i < PIECES; i++)
		write_bytes('x', PIECE, (off_t)i * PIECE);
	ck_assert_int_lt(heap.allocs, 80);
	ck_assert_uint_eq(buffer_capacity(buffer), heap.largest);
}
END_TEST

START_TEST(settling_keeps_reserved_memory)
{
	write_bytes('x', 100, 0);
	ck_assert_int_eq(buffer_allocate(buffer, FALLOC_FL_KEEP_SIZE, 0, 8 << 20), 0);
	buffer_settle(buffer);
	ck_assert_uint_eq(buffer_capacity(buffer), 8 << 20);
	ck_assert_int_eq(buffer_truncate(buffer, 100), 0); /* as on tmpfs */
	ck_assert_uint_eq(buffer_capacity(buffer), page);
	write_bytes('x', 2 << 20, 0);
	write_bytes('x', 2 << 20, 2 << 20);
	write_bytes('x', 1, 4 << 20);
	buffer_settle(buffer);
	ck_assert_uint_eq(buffer_capacity(buffer), (4 << 20) + page);
}
END_TEST

START_TEST(settling_tolerates_little)
{
	ck_assert_int_eq(buffer_truncate(buffer, 1 << 20), 0);
	write_bytes('x', 1, 1 << 20);
	buffer_settle(buffer);
	ck_assert_int_eq(heap.allocs, 2);
}
END_TEST

static const int too_much[] = {-ENOMEM, -ENOSPC, -EFBIG};

/* 4 pages in advance, with the 2nd allocation, are too much. */
START_TEST(grows_by_less_where_much_is_not_to_be_had)
{
	write_bytes('x', 10 * page, 0);
	heap.alloc_error = too_much[_i];
	heap.fail_alloc = 1;
	write_bytes('y', page, 10 * (off_t)page);
	ck_assert_int_eq(heap.allocs, 3);
	ck_assert_uint_eq(buffer_capacity(buffer), 13 * page);
	assert_bytes('x', 10 * (off_t)page - 1, 10 * (off_t)page);
	assert_bytes('y', 10 * (off_t)page, 10 * (off_t)page + 1);
}
END_TEST

START_TEST(heap_runs_dry_in_mid_growth)
{
	char data[8192];

	memset(data, 'y', sizeof(data));
	write_bytes('x', 10 * page - 100, 0);
	heap.largest = 10 * page;
	ck_assert_int_eq(buffer_write(buffer, data, sizeof(data), 10 * (off_t)page - 100), 100);
	ck_assert_int_eq(buffer_write(buffer, data, sizeof(data), 10 * (off_t)page), -ENOSPC);
	ck_assert_int_eq(buffer_truncate(buffer, 10 * (off_t)page + 1), -ENOSPC);
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, 10 * (off_t)page + 1), -ENOSPC);
	ck_assert_int_eq(size_of(buffer), 10 * (off_t)page);
	assert_bytes('x', 0, 100);
	assert_bytes('y', 10 * (off_t)page - 100, 10 * (off_t)page);
}
END_TEST

START_TEST(budget_runs_dry_in_mid_growth)
{
	char data[65536];

	memset(data, 'y', sizeof(data));
	heap.quota.limit = 12 * page + 5;
	write_bytes('x', 10 * page, 0);
	ck_assert_int_eq(buffer_write(buffer, data, 4 * page, 10 * (off_t)page), 2 * (ssize_t)page);
	ck_assert_uint_eq(buffer_capacity(buffer), 12 * page);
	ck_assert_int_eq(buffer_write(buffer, data, 1, 12 * (off_t)page), -ENOSPC);
	ck_assert_int_eq(buffer_truncate(buffer, 12 * (off_t)page + 1), -ENOSPC);
	ck_assert_int_eq(buffer_write(buffer, data, 1, 0), 1); /* in place, all the same */
}
END_TEST

/* Also when the quota no longer allows half as much again. */
START_TEST(growth_is_amortised_up_to_the_budget)
{
	enum { PIECE = 64 << 10, PIECES = 512 };

	heap.quota.limit = (uint64_t)PIECE * PIECES;
	write_bytes('x', (size_t)PIECE * PIECES * 3 / 4, 0);
	for (int i = PIECES * 3 / 4; i < PIECES; i++)
		write_bytes('y', PIECE, (off_t)i * PIECE);
	ck_assert_int_lt(heap.allocs, 12);
	ck_assert_uint_eq(buffer_capacity(buffer), (uint64_t)PIECE * PIECES);
}
END_TEST

/* Growing within the quota works although old and new memory together exceed it. */
START_TEST(budget_counts_remaining_memory)
{
	heap.quota.limit = 100 * page;
	write_bytes('x', 60 * page, 0);
	write_bytes('y', page, 60 * (off_t)page);
	ck_assert_uint_eq(buffer_capacity(buffer), 90 * page);
	ck_assert_int_eq(buffer_truncate(buffer, 100 * (off_t)page), 0);
}
END_TEST

static const int alloc_errors[][2] = {
	{-ENOMEM, -ENOSPC}, {-ENOSPC, -ENOSPC}, {-EMFILE, -EMFILE}, {-EACCES, -EACCES}};

START_TEST(reports_why_there_is_no_memory)
{
	heap.alloc_error = alloc_errors[_i][0];
	heap.fail_alloc = 1;
	ck_assert_int_eq(buffer_write(buffer, "x", 1, 0), alloc_errors[_i][1]);
	heap.fail_alloc = 1;
	ck_assert_int_eq(buffer_truncate(buffer, 1), alloc_errors[_i][1]);
	ck_assert_int_eq(size_of(buffer), 0);
	ck_assert_uint_eq(used_quota(&heap), 0);
}
END_TEST

START_TEST(exported_memory_stays)
{
	uint64_t capacity;
	struct stat before, after;
	int fd;

	write_bytes('x', 6000, 0);
	capacity = buffer_capacity(buffer);
	fd = buffer_export(buffer);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &before), 0);
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	ck_assert_uint_eq(buffer_capacity(buffer), capacity);
	write_bytes('y', 7000, 0);
	ck_assert_int_eq(buffer_truncate(buffer, (off_t)capacity + 1), -EBUSY);
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, (off_t)capacity + 1), -EBUSY);
	ck_assert_int_eq(buffer_write(buffer, "z", 1, (off_t)capacity), -EBUSY);
	ck_assert_int_eq(buffer_write(buffer, "zz", 2, (off_t)capacity - 1), 1);
	buffer_settle(buffer);
	close(fd);
	fd = buffer_export(buffer);
	ck_assert_int_eq(fstat(fd, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	close(fd);
}
END_TEST

/* A holder of the dma-buf may write anywhere in it; growing the file must not show that. */
START_TEST(foreign_bytes_do_not_show)
{
	char junk[4096];
	int fd;

	memset(junk, 'j', sizeof(junk));
	write_bytes('x', 100, 0);
	if (_i == 0) {
		fd = buffer_export(buffer);
	} else {
		buffer_lend(buffer);
		fd = fcntl(visited(buffer).dmabuf, F_DUPFD_CLOEXEC, 0);
	}
	ck_assert_int_eq(pwrite(fd, junk, 4000, 96), 4000);
	ck_assert_int_eq(buffer_truncate(buffer, 1000), 0);
	assert_bytes(0, 100, 1000);
	ck_assert_int_eq(pwrite(fd, junk, 3000, 1000), 3000);
	write_bytes('y', 10, 2000);
	assert_bytes(0, 1000, 2000);
	assert_bytes('y', 2000, 2010);
	ck_assert_int_eq(pwrite(fd, junk, 4000, 0), 4000);
	ck_assert_int_eq(buffer_truncate(buffer, 1), 0);
	assert_gap_is_zero(buffer);
	close(fd);
}
END_TEST

struct moves {
	int n, last, result;
};

static int note_move(void *context, int dmabuf, int from)
{
	struct moves *moves = context;

	(void)from;
	moves->n++;
	moves->last = dmabuf;
	return moves->result;
}

START_TEST(tells_of_every_move)
{
	struct moves moves = {0};

	buffer_on_move(buffer, note_move, &moves);
	write_bytes('x', page, 0);
	ck_assert_int_eq(moves.n, 1);
	ck_assert_int_eq(moves.last, visited(buffer).dmabuf);
	write_bytes('x', page, (off_t)page);
	ck_assert_int_eq(moves.n, 2);
	ck_assert_int_eq(moves.last, visited(buffer).dmabuf);
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	ck_assert_int_eq(moves.n, 3);
	ck_assert_int_eq(moves.last, -1);
}
END_TEST

/* The kernel copies the most of it, and the rest is written. */
START_TEST(writes_during_a_fill_keep_its_bytes)
{
	struct buffer_fill fill;
	char arrived[3000];

	memset(arrived, 'k', sizeof(arrived));
	buffer_lend(buffer);
	ck_assert_int_eq(buffer_fill_begin(&fill, buffer, 1000, sizeof(arrived) + 10, 0), 0);
	ck_assert_int_eq(pwrite(buffer->dmabuf.fd, arrived, sizeof(arrived), 1000),
			 sizeof(arrived));
	write_bytes('w', 10, 1000 + sizeof(arrived));
	ck_assert_int_eq(
		buffer_fill_finish(&fill, buffer, sizeof(arrived) + 10, sizeof(arrived) + 10), 0);
	assert_bytes(0, 0, 1000);
	assert_bytes('k', 1000, 1000 + sizeof(arrived));
	assert_bytes('w', 1000 + sizeof(arrived), 1010 + sizeof(arrived));
}
END_TEST

START_TEST(stays_where_it_may_not_move)
{
	struct moves moves = {0};

	buffer_on_move(buffer, note_move, &moves);
	write_bytes('x', 2 << 20, 0);
	moves.result = -EBUSY;
	ck_assert_int_eq(buffer_truncate(buffer, 3 << 20), -EBUSY);
	ck_assert_int_eq(buffer_write(buffer, "y", 1, 2 << 20), -EBUSY);
	ck_assert_int_eq(buffer_write(buffer, "yy", 2, (2 << 20) - 1), 1);
	ck_assert_int_eq(size_of(buffer), 2 << 20);
	ck_assert_int_eq(buffer_truncate(buffer, 10), 0);
	ck_assert_uint_eq(buffer_capacity(buffer), 2 << 20);
	assert_gap_is_zero(buffer);
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	assert_gap_is_zero(buffer);
	buffer_settle(buffer);
	ck_assert_uint_eq(buffer_capacity(buffer), 2 << 20);
}
END_TEST

/* fallocate() says how far others have filled the memory, and touches nothing. */
START_TEST(reserving_uncovers_foreign_bytes)
{
	int fd;

	ck_assert_int_eq(buffer_allocate(buffer, FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
	fd = buffer_export(buffer);
	ck_assert_int_eq(pwrite(fd, "filled by a device", 18, 0), 18);
	ck_assert_int_eq(size_of(buffer), 0);
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, 18), 0);
	assert_bytes('f', 0, 1);
	assert_bytes('e', 17, 18);
	close(fd);
}
END_TEST

/* The memory of a removed file counts until its holders release it. */
START_TEST(orphaned_memory_counts)
{
	int fd;

	write_bytes('x', 5000, 0);
	fd = buffer_export(buffer);
	heap.held = true;
	heap.watched = NULL;
	buffer_destroy(buffer);
	ck_assert_uint_eq(used_quota(&heap), 2 * page);
	ck_assert_int_eq(count_maps(), 0);
	buffer = fake_buffer(&heap);
	heap.quota.limit = 3 * page;
	ck_assert_int_eq(buffer_truncate(buffer, (off_t)(2 * page)), -ENOSPC);
	ck_assert_uint_eq(quota_poll_orphans(&heap.quota), 2 * page);
	ck_assert_uint_eq(used_quota(&heap), 2 * page);
	close(fd);
	heap.held = false;
	ck_assert_int_eq(buffer_truncate(buffer, (off_t)(2 * page)), 0);
	ck_assert_uint_eq(used_quota(&heap), 2 * page);
	ck_assert_uint_eq(quota_poll_orphans(&heap.quota), 0);
}
END_TEST

/* Others hold two, and let go of each other one soon. */
START_TEST(released_memory_does_not_pile_up)
{
	heap.held = true;
	heap.watched = NULL;
	for (int i = 0; i < 100; i++) {
		int fd;

		write_bytes('x', page, 0);
		fd = buffer_export(buffer);
		buffer_destroy(buffer);
		buffer = fake_buffer(&heap);
		if (i >= 2)
			ck_assert_int_eq(lseek(fd, 1, SEEK_SET), 1);
		close(fd);
	}
	ck_assert_uint_ge(used_quota(&heap), 2 * page);
	ck_assert_uint_le(used_quota(&heap), 6 * page);
	ck_assert_uint_eq(quota_poll_orphans(&heap.quota), 2 * page);
	quota_finish(&heap.quota);
}
END_TEST

START_TEST(orphaned_memory_is_of_a_user)
{
	for (uid_t user = 0; user < 3; user++) {
		write_bytes('x', page, 0);
		buffer_export_for(buffer, user / 2);
		close(buffer_export(buffer));
		heap.held = true;
		heap.watched = NULL;
		buffer_destroy(buffer);
		buffer = fake_buffer(&heap);
	}
	ck_assert_uint_eq(quota_count_orphans(&heap.quota, 0, 100), 2);
	ck_assert_uint_eq(quota_count_orphans(&heap.quota, 1, 1), 1);
	ck_assert_uint_eq(quota_count_orphans(&heap.quota, 7, 1), 0);
	heap.held = false;
	ck_assert_uint_eq(quota_count_orphans(&heap.quota, 0, 2), 0);
	quota_finish(&heap.quota);
}
END_TEST

START_TEST(orphaned_memory_ends)
{
	for (int i = 0; i < 3; i++) {
		write_bytes('x', 5000, 0);
		close(buffer_export(buffer));
		heap.held = true;
		heap.watched = NULL;
		buffer_destroy(buffer);
		buffer = fake_buffer(&heap);
	}
	ck_assert_uint_eq(used_quota(&heap), 6 * page);
	quota_finish(&heap.quota);
	ck_assert_uint_eq(used_quota(&heap), 0);
}
END_TEST

/* It was there before the file was, and is not the mount's to count. */
START_TEST(foreign_memory_is_not_left_behind)
{
	int fd = foreign_memory(page);

	ck_assert_int_eq(import(buffer, fd), 0);
	heap.held = true;
	heap.watched = NULL;
	buffer_destroy(buffer);
	ck_assert_uint_eq(used_quota(&heap), 0);
	buffer = fake_buffer(&heap);
	close(fd);
}
END_TEST

START_TEST(foreign_memory_is_taken_over)
{
	int fd = foreign_memory(2 * page), again;
	struct stat before, after;

	ck_assert_int_eq(import(buffer, fd), 0);
	ck_assert_uint_eq(buffer_capacity(buffer), 2 * page);
	ck_assert_int_eq(size_of(buffer), 0);
	ck_assert(buffer_is_exported(buffer));
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, 10), 0);
	assert_bytes('f', 0, 1);
	ck_assert_int_eq(buffer_write(buffer, "ab", 2, 0), 2);
	ck_assert_int_eq(pread(fd, &before, 1, 0), 1);
	ck_assert_int_eq(*(char *)&before, 'a');
	ck_assert_int_eq(buffer_truncate(buffer, (off_t)(2 * page + 1)), -EBUSY);
	again = buffer_export(buffer);
	ck_assert_int_eq(fstat(fd, &before), 0);
	ck_assert_int_eq(fstat(again, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_int_eq(heap.allocs, 0);
	close(again);
	close(fd);
}
END_TEST

START_TEST(existing_memory_is_not_replaced)
{
	int fd = foreign_memory(page), odd = foreign_memory(page + 1), empty = fake_memory(0);

	ck_assert_int_eq(import(buffer, odd), -EINVAL);
	ck_assert_int_eq(import(buffer, empty), -EINVAL);
	heap.quota.limit = page - 1;
	ck_assert_int_eq(import(buffer, fd), -ENOSPC);
	heap.quota.limit = UINT64_MAX;
	ck_assert_uint_eq(buffer_capacity(buffer), 0);
	write_bytes('x', 10, 0);
	ck_assert_int_eq(import(buffer, fd), -EEXIST);
	assert_bytes('x', 0, 10);
	close(fd);
	close(odd);
	close(empty);
}
END_TEST

START_TEST(memory_outlives_the_file)
{
	char data[5];
	int fd;

	write_bytes('x', 5, 0);
	fd = buffer_export(buffer);
	heap.watched = NULL;
	buffer_destroy(buffer);
	ck_assert_int_eq(pread(fd, data, 5, 0), 5);
	ck_assert_mem_eq(data, "xxxxx", 5);
	close(fd);
	buffer = fake_buffer(&heap);
}
END_TEST

/* Each kind of access stands in a cpu_access of its own; see also fake_heap.h. */
START_TEST(access_is_bracketed)
{
	char data[8];
	int before;

	write_bytes('x', 100, 0);
	before = heap.starts;
	buffer_read(buffer, data, 8, 0);
	ck_assert_int_eq(heap.starts, before + 1);
	buffer_write(buffer, data, 8, 0);
	ck_assert_int_eq(heap.starts, before + 2);
	buffer_truncate(buffer, 50);
	ck_assert_int_eq(heap.starts, before + 3);
	buffer_allocate(buffer, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10);
	ck_assert_int_eq(heap.starts, before + 4);
	buffer_read(buffer, data, 8, 1000);
	buffer_seek(buffer, 0, SEEK_DATA);
	buffer_truncate(buffer, 100);
	ck_assert_int_eq(heap.starts, before + 4);
	ck_assert_int_eq(heap.waits, heap.starts);
}
END_TEST

START_TEST(devices_that_do_not_let_go)
{
	char data[8] = "";

	write_bytes('x', 100, 0);
	heap.idle_error = -EBUSY;
	ck_assert_int_eq(buffer_read(buffer, data, 8, 0), -EBUSY);
	ck_assert_int_eq(buffer_write(buffer, data, 8, 0), -EBUSY);
	ck_assert_int_eq(buffer_truncate(buffer, 50), -EBUSY);
	ck_assert_int_eq(size_of(buffer), 100);
	heap.idle_error = 0;
	heap.start_error = -EIO;
	ck_assert_int_eq(buffer_write(buffer, data, 8, 0), -EIO);
	assert_unlocked();
	ck_assert_int_eq(buffer_write(buffer, data, 8, 10000), -EIO);
	heap.start_error = 0;
	ck_assert_int_eq(size_of(buffer), 100);
	assert_bytes('x', 0, 100);
}
END_TEST

/* It keeps the caches right, and gets the position of the bytes by their offset. */
START_TEST(kernel_needs_no_map)
{
	write_bytes('x', 100000, 0);
	write_bytes('y', 3 << 20, 90000);
	assert_bytes('x', 0, 90000);
	ck_assert_int_eq(buffer_truncate(buffer, 200000), 0);
	ck_assert_int_eq(buffer_truncate(buffer, 300000), 0);
	assert_bytes('y', 90000, 200000);
	assert_bytes(0, 200000, 300000);
	ck_assert_int_eq(heap.starts, 0);
	ck_assert_int_gt(heap.waits, 0);
	ck_assert_ptr_null(atomic_load(&buffer->dmabuf.map));
	heap.idle_error = -EBUSY;
	ck_assert_int_eq(buffer_write(buffer, "x", 1, 0), -EBUSY);
}
END_TEST

START_TEST(kernel_refuses)
{
	char data[8000] = "";

	write_bytes('x', 100, 0);
	ck_assert_int_eq(buffer_allocate(buffer, FALLOC_FL_KEEP_SIZE, 0, 2 * (off_t)page), 0);
	ck_assert_int_eq(fcntl(buffer->dmabuf.fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ck_assert_int_eq(buffer_write(buffer, data, sizeof(data), 50), -EPERM);
	ck_assert_int_eq(size_of(buffer), 100);
	assert_unlocked();
	assert_bytes('x', 0, 100);
}
END_TEST

START_TEST(end_of_access_fails)
{
	char data[50];

	memset(data, 'y', sizeof(data));
	write_bytes('x', 100, 0);
	heap.end_error = -EIO;
	ck_assert_int_eq(buffer_read(buffer, data, 8, 0), -EIO);
	ck_assert_int_eq(buffer_write(buffer, data, 50, 90), -EIO);
	heap.end_error = 0; /* the written bytes are in the file, not behind its end */
	assert_gap_is_zero(buffer);
}
END_TEST

START_TEST(copies)
{
	struct buffer *to = fake_buffer(&heap), *source = buffer;
	enum { SIZE = 3 << 20 };

	write_bytes('x', SIZE, 0);
	ck_assert_int_eq(buffer_copy(source, 5, to, 10, SIZE), SIZE - 5);
	ck_assert_int_eq(size_of(to), SIZE + 5);
	ck_assert_uint_eq(buffer_capacity(to), page_round_up(SIZE + 5));
	ck_assert_int_eq(buffer_copy(source, SIZE, to, 0, 10), 0);
	ck_assert_int_eq(buffer_copy(source, INT64_MAX, to, 0, 10), 0);
	ck_assert_int_eq(buffer_copy(source, -1, to, 0, 10), -EINVAL);
	ck_assert_int_eq(buffer_copy(source, 0, to, INT64_MAX, 10), -EFBIG);
	ck_assert_int_eq(buffer_copy(source, 0, source, 9, 10), -EINVAL);
	ck_assert_int_eq(buffer_copy(source, 9, source, 0, 10), -EINVAL);
	ck_assert_int_eq(buffer_copy(source, 0, source, SIZE, 10), 10);
	ck_assert_int_eq(buffer_copy(source, 10, source, 0, 10), 10);
	buffer = to;
	assert_bytes(0, 0, 10);
	assert_bytes('x', 10, 100);
	assert_bytes('x', SIZE, SIZE + 5);
	buffer = source;
	buffer_destroy(to);
}
END_TEST

/* The end that counts is the one the buffer had when the copy began. */
START_TEST(copies_behind_its_own_end)
{
	write_bytes('x', 100, 0);
	ck_assert_int_eq(buffer_copy(buffer, 0, buffer, 200, 200), 100);
	ck_assert_int_eq(size_of(buffer), 300);
}
END_TEST

START_TEST(keeps_times)
{
	struct timespec past[2] = {{.tv_sec = 1000, .tv_nsec = 7}, {.tv_sec = 2000}};
	struct stat st = {.st_mtim = past[1], .st_atim = past[0]};
	char byte;

	write_bytes('x', 1, 0);
	buffer_stat(buffer, &st);
	ck_assert_int_gt(st.st_mtim.tv_sec, 1000000);
	ck_assert_int_gt(st.st_ctim.tv_sec, 1000000);
	ck_assert_int_eq(st.st_atim.tv_sec, 1000);
	st = (struct stat){.st_mtim = past[1], .st_atim = past[0]};
	ck_assert_int_eq(buffer_set_times(buffer, past), 0);
	buffer_stat(buffer, &st);
	ck_assert_int_eq(st.st_mtim.tv_sec, 2000);
	ck_assert_int_eq(st.st_atim.tv_nsec, 7);
	ck_assert_int_eq(buffer_read(buffer, &byte, 1, 0), 1);
	buffer_stat(buffer, &st);
	ck_assert_int_gt(st.st_atim.tv_sec, 1000000);
	ck_assert_int_eq(st.st_mtim.tv_sec, 2000);
}
END_TEST

/* A file can be older than the epoch, as long as its data was not used since. */
START_TEST(keeps_times_before_1970)
{
	struct timespec past[2] = {{.tv_sec = -1000, .tv_nsec = 7}, {.tv_sec = -2000}};
	struct stat st = {.st_mtim = past[1], .st_atim = past[0]};

	buffer_stat(buffer, &st);
	ck_assert_int_eq(st.st_mtim.tv_sec, -2000);
	write_bytes('x', 1, 0);
	buffer_stat(buffer, &st);
	ck_assert_int_gt(st.st_mtim.tv_sec, 1000000);
	st = (struct stat){.st_mtim = past[1], .st_atim = past[0]};
	ck_assert_int_eq(buffer_set_times(buffer, past), 0);
	buffer_stat(buffer, &st);
	ck_assert_int_eq(st.st_mtim.tv_sec, -2000);
	ck_assert_int_eq(st.st_atim.tv_sec, -1000);
}
END_TEST

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void add_sizes(TCase *tests)
{
	tcase_add_test(tests, starts_empty);
	tcase_add_test(tests, reads_written_bytes);
	tcase_add_test(tests, seeks_to_data_and_the_end);
	tcase_add_test(tests, max_offset);
	tcase_add_loop_test(tests, refuses_other_modes, 0, COUNT(unknown_modes));
	tcase_add_loop_test(tests, allocates, 0, COUNT(allocations));
	tcase_add_test(tests, truncate_is_exact);
	tcase_add_test(tests, no_old_byte_shows);
	tcase_add_test(tests, refill_shows_no_old_byte);
	tcase_add_test(tests, copies);
	tcase_add_test(tests, copies_behind_its_own_end);
	tcase_add_test(tests, keeps_times);
	tcase_add_test(tests, keeps_times_before_1970);
}

static void add_growth(TCase *tests)
{
	tcase_add_test(tests, empty_gives_memory_back);
	tcase_add_test(tests, shrinking_much_gives_memory_back);
	tcase_add_test(tests, shrinking_on_a_dry_heap);
	tcase_add_test(tests, growth_is_amortised);
	tcase_add_test(tests, filling_by_pieces_is_amortised);
	tcase_add_test(tests, appending_is_amortised);
	tcase_add_test(tests, unused_room_is_given_back);
	tcase_add_test(tests, exported_buffer_has_no_spare_memory);
	tcase_add_test(tests, the_last_piece_takes_nothing_in_advance);
	tcase_add_test(tests, announced_bytes_have_room);
	tcase_add_test(tests, announced_bytes_need_no_room);
	tcase_add_test(tests, growth_is_amortised_up_to_the_heaps_end);
	tcase_add_test(tests, fills_exactly_where_more_is_not_to_be_had);
	tcase_add_test(tests, settling_keeps_reserved_memory);
	tcase_add_test(tests, settling_tolerates_little);
	tcase_add_loop_test(tests, grows_by_less_where_much_is_not_to_be_had, 0, COUNT(too_much));
	tcase_add_test(tests, heap_runs_dry_in_mid_growth);
	tcase_add_test(tests, budget_runs_dry_in_mid_growth);
	tcase_add_test(tests, growth_is_amortised_up_to_the_budget);
	tcase_add_test(tests, budget_counts_remaining_memory);
	tcase_add_loop_test(tests, reports_why_there_is_no_memory, 0, COUNT(alloc_errors));
}

static void add_sharing(TCase *tests)
{
	tcase_add_test(tests, exported_memory_stays);
	tcase_add_test(tests, orphaned_memory_counts);
	tcase_add_test(tests, orphaned_memory_is_of_a_user);
	tcase_add_test(tests, orphaned_memory_ends);
	tcase_add_test(tests, released_memory_does_not_pile_up);
	tcase_add_test(tests, foreign_memory_is_not_left_behind);
	tcase_add_test(tests, foreign_memory_is_taken_over);
	tcase_add_test(tests, existing_memory_is_not_replaced);
	tcase_add_loop_test(tests, foreign_bytes_do_not_show, 0, 2);
	tcase_add_test(tests, tells_of_every_move);
	tcase_add_test(tests, writes_during_a_fill_keep_its_bytes);
	tcase_add_test(tests, stays_where_it_may_not_move);
	tcase_add_test(tests, reserving_uncovers_foreign_bytes);
	tcase_add_test(tests, memory_outlives_the_file);
}

static void add_maps(TCase *tests)
{
	tcase_add_test(tests, access_is_bracketed);
	tcase_add_test(tests, devices_that_do_not_let_go);
	tcase_add_test(tests, end_of_access_fails);
}

static void add_io(TCase *tests)
{
	tcase_add_test(tests, kernel_needs_no_map);
	tcase_add_test(tests, kernel_refuses);
}

static void add(Suite *suite, const char *name, void (*part)(TCase *), void (*begin)(void))
{
	TCase *tests = tcase_create(name);

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, begin, teardown);
	part(tests);
	suite_add_tcase(suite, tests);
}

int main(void)
{
	Suite *suite = suite_create("buffer of pages");

	add(suite, "sizes", add_sizes, setup);
	add(suite, "growth", add_growth, setup);
	add(suite, "sharing", add_sharing, setup);
	add(suite, "maps", add_maps, setup);
	add(suite, "sizes, with I/O", add_sizes, setup_with_io);
	add(suite, "growth, with I/O", add_growth, setup_with_io);
	add(suite, "sharing, with I/O", add_sharing, setup_with_io);
	add(suite, "I/O", add_io, setup_with_io);
	return run_suite(suite);
}
