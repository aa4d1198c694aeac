// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Buffers that are memory files: the tree's own, and files beside the tree
 * until and after they are exported.
 */
#include "fake_heap.h"

#include <pthread.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct fake_heap heap;
static struct buffer *buffer;
static uint64_t page;
static int fds_before;

static void setup(enum heap_memory memory)
{
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	fds_before = count_fds();
	fake_heap_init(&heap, memory);
	buffer = fake_buffer(&heap);
}

static void setup_tree(void)
{
	setup(HEAP_TMPFS);
}

static void setup_own(void)
{
	setup(HEAP_MEMFD);
}

static void teardown(void)
{
	if (buffer->ops == &memory_memfd_exported || buffer->ops == &memory_dmabuf)
		ck_assert_uint_eq(used_quota(&heap), buffer_capacity(buffer));
	buffer_destroy(buffer);
	ck_assert_uint_eq(used_quota(&heap), 0);
	ck_assert_int_eq(heap.starts, heap.ends);
	ck_assert_int_eq(count_fds(), fds_before);
	ck_assert_int_eq(count_maps(), 0);
}

static ssize_t write_bytes(char byte, size_t size, off_t offset)
{
	char *data = malloc(size);
	ssize_t n;

	memset(data, byte, size);
	n = buffer_write(buffer, data, size, offset);
	free(data);
	return n;
}

static void assert_bytes(char byte, off_t begin, off_t end)
{
	assert_filled(buffer, byte, begin, end);
}

static off_t blocks_of(struct buffer *b)
{
	struct stat st;

	ck_assert_int_eq(fstat(b->file, &st), 0);
	return st.st_blocks * 512;
}

/* --- both kinds, as long as the kernel keeps the size --- */

START_TEST(starts_empty)
{
	char data[8];

	ck_assert_int_eq(buffer_read(buffer, data, 8, 0), 0);
	ck_assert_int_eq(buffer_seek(buffer, 0, SEEK_DATA), -ENXIO);
	ck_assert_int_lt(buffer_export(buffer), 0);
	ck_assert_int_eq(visited(buffer).state, BUFFER_FILE);
	ck_assert_int_eq(visited(buffer).file, buffer->file);
	ck_assert_uint_eq(buffer_capacity(buffer), 0);
}
END_TEST

START_TEST(stays_sparse)
{
	ck_assert_int_eq(buffer_truncate(buffer, 1 << 30), 0);
	ck_assert_int_eq(write_bytes('x', 10, 1 << 20), 10);
	ck_assert_int_eq(buffer_seek(buffer, 0, SEEK_DATA), 1 << 20);
	ck_assert_int_eq(buffer_seek(buffer, 0, SEEK_HOLE), 0);
	ck_assert_int_eq(buffer_seek(buffer, 1 << 30, SEEK_DATA), -ENXIO);
	ck_assert_int_eq(size_of(buffer), 1 << 30);
	ck_assert_uint_eq(buffer_capacity(buffer), page);
}
END_TEST

START_TEST(sees_passthrough_writes)
{
	ck_assert_int_eq(pwrite(visited(buffer).file, "hello", 5, 6000), 5);
	ck_assert_int_eq(size_of(buffer), 6005);
	assert_bytes('h', 6000, 6001);
	assert_bytes(0, 0, 10);
}
END_TEST

static const struct {
	int mode;
	off_t offset, length;
	off_t size_after;
	off_t zero_begin, zero_end; /* of a file with 'x' from 0 to 6000 */
	off_t reserved_to;	    /* 0: not looked at */
} allocations[] = {
	{0, 0, 100, 6000, 0, 0, 6000},
	{0, 5000, 5000, 10000, 0, 0, 10000},
	{FALLOC_FL_KEEP_SIZE, 5000, 5000, 6000, 0, 0, 10000},
	{FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 5000, 6000, 10, 5010, 0},
	{FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 99999, 6000, 10, 6000, 0},
	{FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 99999, 10, 6000, 0, 0, 6000},
	{FALLOC_FL_ZERO_RANGE, 10, 20, 6000, 10, 30, 6000},
	{FALLOC_FL_ZERO_RANGE, 0, 6000, 6000, 0, 6000, 6000},
	{FALLOC_FL_ZERO_RANGE, 5000, 5000, 10000, 5000, 6000, 10000},
	{FALLOC_FL_ZERO_RANGE, 9000, 1000, 10000, 0, 0, 0},
	{FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 5000, 5000, 6000, 5000, 6000, 10000},
};

START_TEST(allocates)
{
	off_t begin = allocations[_i].zero_begin, end = allocations[_i].zero_end;

	ck_assert_int_eq(write_bytes('x', 6000, 0), 6000);
	ck_assert_int_eq(buffer_allocate(buffer, allocations[_i].mode, allocations[_i].offset,
					 allocations[_i].length),
			 0);
	ck_assert_int_eq(size_of(buffer), allocations[_i].size_after);
	if (allocations[_i].reserved_to)
		ck_assert_uint_eq((uint64_t)blocks_of(buffer),
				  page_round_up((uint64_t)allocations[_i].reserved_to));
	assert_bytes('x', 0, begin);
	assert_bytes(0, begin, end);
	assert_bytes('x', end, 6000);
	assert_bytes(0, 6000, allocations[_i].size_after);
}
END_TEST

START_TEST(max_offset)
{
	ck_assert_int_eq(buffer_write(buffer, "xy", 2, INT64_MAX - 1), -EFBIG);
	ck_assert_int_eq(buffer_write(buffer, "x", 1, -1), -EINVAL);
	ck_assert_int_eq(buffer_truncate(buffer, -1), -EINVAL);
	ck_assert_int_eq(buffer_allocate(buffer, 0, INT64_MAX, 1), -EFBIG);
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, -1), -EINVAL);
	ck_assert_int_eq(buffer_allocate(buffer, FALLOC_FL_COLLAPSE_RANGE, 0, 1), -EOPNOTSUPP);
	ck_assert_int_eq(size_of(buffer), 0);
}
END_TEST

START_TEST(no_old_byte_shows)
{
	ck_assert_int_eq(write_bytes('x', 6000, 0), 6000);
	ck_assert_int_eq(buffer_truncate(buffer, 100), 0);
	ck_assert_int_eq(buffer_truncate(buffer, 6000), 0);
	assert_bytes('x', 0, 100);
	assert_bytes(0, 100, 6000);
}
END_TEST

START_TEST(copies)
{
	struct buffer *to = fake_buffer(&heap), *source = buffer;
	enum { SIZE = 3 << 20 };

	ck_assert_int_eq(write_bytes('x', SIZE, 0), SIZE);
	ck_assert_int_eq(buffer_copy(source, 5, to, 10, SIZE), SIZE - 5);
	ck_assert_int_eq(buffer_copy(source, SIZE, to, 0, 10), 0);
	ck_assert_int_eq(buffer_copy(source, 0, source, 9, 10), -EINVAL);
	ck_assert_int_eq(buffer_copy(source, 0, source, SIZE, 10), 10);
	ck_assert_int_eq(size_of(source), SIZE + 10);
	buffer = to;
	ck_assert_int_eq(size_of(to), SIZE + 5);
	assert_bytes(0, 0, 10);
	assert_bytes('x', 10, 100);
	assert_bytes('x', SIZE, SIZE + 5);
	buffer = source;
	buffer_destroy(to);
}
END_TEST

static int file_on_another_filesystem(void)
{
	char path[] = "/var/tmp/dmaheapfs-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	return fd;
}

/* copy_file_range(2) does not go from one filesystem to the other. */
START_TEST(copies_where_the_kernel_does_not)
{
	enum { SIZE = 1 << 20 };
	int fd = file_on_another_filesystem();
	struct buffer *other;

	ck_assert_int_eq(buffer_create(&other, &heap.heap, &heap.quota, fd), 0);
	ck_assert_int_eq(write_bytes('x', SIZE, 0), SIZE);
	ck_assert_int_eq(buffer_copy(buffer, 1000, other, 10, 2 * SIZE), SIZE - 1000);
	ck_assert_int_eq(size_of(other), SIZE - 990);
	ck_assert_int_eq(buffer_copy(other, 10, buffer, SIZE, 10), 10);
	assert_bytes('x', SIZE, SIZE + 10);
	buffer_destroy(other);
}
END_TEST

/* --- a tree with a limit of its own --- */

enum { TREE_PAGES = 64 };

static char tree_path[] = "/tmp/dmaheapfs-test-XXXXXX";

/* Two files of a small tmpfs. Without the right to mount there is nothing to see here. */
static bool setup_small_tree(struct buffer **other)
{
	struct buffer *made[2];
	char options[32];

	snprintf(options, sizeof(options), "size=%ju", (uintmax_t)(TREE_PAGES * page));
	if (!mkdtemp(tree_path) || mount("none", tree_path, "tmpfs", 0, options)) {
		rmdir(tree_path);
		return false;
	}
	for (int i = 0; i < 2; i++) {
		int fd = open(tree_path, O_TMPFILE | O_RDWR, 0600);

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(buffer_create(&made[i], &heap.heap, &heap.quota, fd), 0);
	}
	umount2(tree_path, MNT_DETACH);
	rmdir(tree_path);
	buffer_destroy(buffer);
	buffer = made[0];
	*other = made[1];
	return true;
}

START_TEST(tree_is_full)
{
	off_t size = (TREE_PAGES - 2) * (off_t)page;
	struct buffer *other;

	if (!setup_small_tree(&other))
		return;
	ck_assert_int_eq(buffer_allocate(other, 0, 0, (off_t)page), 0);
	ck_assert_int_eq(write_bytes('x', (size_t)size, 0), size);
	ck_assert_int_eq(buffer_truncate(buffer, size + (off_t)page + 1), -ENOSPC);
	ck_assert_int_eq(buffer_truncate(buffer, INT64_MAX), -ENOSPC);
	ck_assert_int_eq(buffer_allocate(buffer, 0, size, 2 * (off_t)page), -ENOSPC);
	ck_assert_int_eq(
		buffer_allocate(buffer, FALLOC_FL_ZERO_RANGE, size - (off_t)page, 3 * (off_t)page),
		-ENOSPC);
	ck_assert_int_eq(size_of(buffer), size);
	assert_bytes('x', size - 10, size);
	ck_assert_int_eq(write_bytes('y', 3 * page, size), (ssize_t)page);
	ck_assert_int_eq(write_bytes('y', 1, size + (off_t)page), -ENOSPC);
	ck_assert_int_eq(buffer_allocate(buffer, FALLOC_FL_ZERO_RANGE, 0, size), 0);
	ck_assert_int_eq(buffer_truncate(buffer, size), 0);
	ck_assert_int_eq(buffer_truncate(buffer, size + (off_t)page), 0);
	buffer_destroy(other);
}
END_TEST

static void *look(void *nothing)
{
	struct stat st;

	buffer_stat(buffer, &st);
	ck_assert_int_eq(buffer_state(buffer), BUFFER_FILE);
	return nothing;
}

/* Giving it gigabytes takes seconds. */
START_TEST(stat_does_not_wait)
{
	struct timespec until;
	pthread_t looker;
	guard(buffer_exclusive)(buffer);

	ck_assert_int_eq(pthread_create(&looker, NULL, look, NULL), 0);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	ck_assert_int_eq(pthread_timedjoin_np(looker, NULL, &until), 0);
}
END_TEST

START_TEST(tree_knows_size_and_times)
{
	struct timespec past[2] = {{.tv_sec = 1}, {.tv_sec = 2}};
	struct stat st = {.st_size = 7};

	ck_assert_int_eq(write_bytes('x', 100, 0), 100);
	buffer_stat(buffer, &st);
	ck_assert_int_eq(st.st_size, 7);
	ck_assert_int_eq(st.st_mtim.tv_sec, 0);
	ck_assert_int_eq(buffer_set_times(buffer, past), 0);
	ck_assert_int_eq(buffer_export(buffer), -ENOTSUP);
	ck_assert_int_eq(buffer_import(buffer, foreign_memory(page)), -ENOTSUP);
	buffer_settle(buffer);
}
END_TEST

/* --- files beside the tree --- */

START_TEST(own_file_is_charged)
{
	int file = visited(buffer).file;

	ck_assert_int_eq(write_bytes('x', 10 * page, 0), 10 * (ssize_t)page);
	ck_assert_uint_eq(used_quota(&heap), 10 * page);
	ck_assert_int_eq(write_bytes('x', page, 100), (ssize_t)page);
	ck_assert_uint_eq(used_quota(&heap), 10 * page);
	ck_assert_int_eq(buffer_allocate(buffer, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
					 4 * (off_t)page),
			 0);
	ck_assert_uint_eq(used_quota(&heap), 6 * page);
	ck_assert_int_eq(buffer_truncate(buffer, 5 * (off_t)page), 0);
	ck_assert_uint_eq(used_quota(&heap), page);
	ck_assert_int_eq(buffer_allocate(buffer, FALLOC_FL_KEEP_SIZE, 0, 8 * (off_t)page), 0);
	ck_assert_uint_eq(used_quota(&heap), 8 * page);
	ck_assert_int_eq(ftruncate(file, 2 * (off_t)page), 0);
	buffer_settle(buffer);
	ck_assert_uint_eq(used_quota(&heap), 2 * page);
	ck_assert_int_eq(ftruncate(file, 0), 0);
	ck_assert_int_eq(size_of(buffer), 0);
	ck_assert_uint_eq(used_quota(&heap), 0);
}
END_TEST

START_TEST(own_file_has_a_limit)
{
	struct buffer *other = fake_buffer(&heap);

	heap.quota.limit = 10 * page;
	ck_assert_int_eq(buffer_allocate(other, 0, 0, (off_t)page), 0);
	ck_assert_int_eq(write_bytes('x', 8 * page, 0), 8 * (ssize_t)page);
	ck_assert_int_eq(buffer_truncate(buffer, 9 * (off_t)page + 1), -ENOSPC);
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, 10 * (off_t)page), -ENOSPC);
	ck_assert_int_eq(buffer_copy(buffer, 0, other, 0, 2 * page), 2 * (ssize_t)page);
	ck_assert_int_eq(buffer_copy(buffer, 0, other, 2 * (off_t)page, page), -ENOSPC);
	ck_assert_int_eq(write_bytes('y', page, 8 * (off_t)page), -ENOSPC);
	ck_assert_int_eq(size_of(buffer), 8 * (off_t)page);
	ck_assert_int_eq(write_bytes('y', 3 * page, 0), 3 * (ssize_t)page);
	ck_assert_int_eq(buffer_allocate(buffer, FALLOC_FL_ZERO_RANGE, 0, 5 * (off_t)page), 0);
	assert_bytes(0, 4 * (off_t)page, 5 * (off_t)page);
	assert_bytes('x', 5 * (off_t)page, 5 * (off_t)page + 1);
	buffer_destroy(other);
	ck_assert_int_gt(write_bytes('z', 3 * page, 8 * (off_t)page), 0);
	ck_assert_uint_le(used_quota(&heap), 10 * page);
}
END_TEST

/* Memory that is reserved behind the end fills no hole before it. */
START_TEST(own_file_reserved_behind_its_end)
{
	heap.quota.limit = 8 * page;
	ck_assert_int_eq(buffer_truncate(buffer, 8 * (off_t)page), 0);
	ck_assert_int_eq(
		buffer_allocate(buffer, FALLOC_FL_KEEP_SIZE, 8 * (off_t)page, 6 * (off_t)page), 0);
	ck_assert_int_eq(write_bytes('x', 4 * page, 0), 2 * (ssize_t)page);
	ck_assert_int_eq(write_bytes('x', page, 4 * (off_t)page), -ENOSPC);
	ck_assert_uint_eq(used_quota(&heap), 8 * page);
	ck_assert_int_eq(buffer_truncate(buffer, 2 * (off_t)page), 0);
	ck_assert_int_eq(write_bytes('x', 6 * page, 2 * (off_t)page), 6 * (ssize_t)page);
}
END_TEST

/* A copy asks for more than there is to copy: that must not count as wanting memory. */
START_TEST(own_file_copies_into_the_last_page)
{
	struct buffer *other = fake_buffer(&heap);

	heap.quota.limit = 2 * page;
	ck_assert_int_eq(write_bytes('x', page, 0), (ssize_t)page);
	ck_assert_int_eq(buffer_copy(buffer, 0, other, 0, 1 << 30), (ssize_t)page);
	ck_assert_int_eq(buffer_copy(buffer, (off_t)page, other, (off_t)page, 1 << 30), 0);
	ck_assert_int_eq(buffer_copy(buffer, 0, other, (off_t)page, 1 << 30), -ENOSPC);
	buffer_destroy(other);
}
END_TEST

/* Passthrough writes may exceed the limit: that must not stop writes in place. */
START_TEST(own_file_beyond_its_limit)
{
	heap.quota.limit = page;
	ck_assert_int_eq(ftruncate(buffer->file, 4 * (off_t)page), 0);
	ck_assert_int_eq(fallocate(buffer->file, 0, 0, 4 * (off_t)page), 0);
	buffer_settle(buffer);
	ck_assert_uint_eq(used_quota(&heap), 4 * page);
	ck_assert_int_eq(write_bytes('x', page, 0), (ssize_t)page);
	ck_assert_int_eq(write_bytes('x', 1, 4 * (off_t)page), -ENOSPC);
	ck_assert_int_eq(buffer_truncate(buffer, 2 * (off_t)page), 0);
}
END_TEST

START_TEST(own_file_shows_the_later_times)
{
	struct timespec past[2] = {{.tv_sec = 1000, .tv_nsec = 7}, {.tv_sec = 2000}};
	struct stat st = {.st_mtim = past[1], .st_atim = past[0]};

	ck_assert_int_eq(write_bytes('x', 100, 0), 100);
	buffer_stat(buffer, &st);
	ck_assert_int_eq(st.st_size, 100);
	ck_assert_int_gt(st.st_mtim.tv_sec, 1000000);
	ck_assert_int_eq(buffer_set_times(buffer, past), 0);
	st = (struct stat){.st_mtim = past[1], .st_atim = past[0]};
	buffer_stat(buffer, &st);
	ck_assert_int_eq(st.st_mtim.tv_sec, 2000);
	ck_assert_int_eq(st.st_atim.tv_nsec, 7);
}
END_TEST

/* --- exported --- */

static int export_bytes(off_t size)
{
	int fd;

	ck_assert_int_eq(write_bytes('x', (size_t)size, 0), size);
	fd = buffer_export(buffer);
	ck_assert_int_ge(fd, 0);
	heap.watched = buffer;
	return fd;
}

START_TEST(orphaned_memory_counts)
{
	int fd = export_bytes(6000);

	heap.held = true;
	buffer_destroy(buffer);
	ck_assert_uint_eq(used_quota(&heap), 2 * page);
	buffer = fake_buffer(&heap);
	heap.quota.limit = 3 * page;
	ck_assert_int_eq(buffer_truncate(buffer, (off_t)(2 * page)), -ENOSPC);
	ck_assert_int_eq(write_bytes('x', 2 * page, 0), (ssize_t)page);
	heap.held = false;
	ck_assert_int_eq(buffer_truncate(buffer, (off_t)(3 * page)), 0);
	ck_assert_uint_eq(used_quota(&heap), page);
	close(fd);
}
END_TEST

START_TEST(foreign_memory_takes_the_files_place)
{
	int fd = foreign_memory(2 * page);

	ck_assert_int_eq(write_bytes('x', 10, 0), 10);
	ck_assert_int_eq(import(buffer, fd), -EEXIST);
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	ck_assert_int_eq(import(buffer, fd), 0);
	ck_assert_int_eq(visited(buffer).state, BUFFER_DMABUF);
	ck_assert_uint_eq(used_quota(&heap), 2 * page);
	ck_assert_int_eq(buffer_allocate(buffer, 0, 0, (off_t)page), 0);
	assert_bytes('f', 0, 1);
	assert_bytes(0, 1, (off_t)page);
	close(fd);
}
END_TEST

START_TEST(export_pins)
{
	int fd = export_bytes(6000);

	ck_assert_int_eq(visited(buffer).state, BUFFER_EXPORTED_FILE);
	ck_assert_int_eq(visited(buffer).file, buffer->file);
	ck_assert_int_eq(size_of(buffer), 6000);
	ck_assert_uint_eq(buffer_capacity(buffer), page_round_up(6000));
	assert_gap_is_zero(buffer);
	ck_assert_int_eq(ftruncate(buffer->file, 0), -1);
	ck_assert_int_eq(ftruncate(buffer->file, 1 << 20), -1);
	assert_bytes('x', 5990, 6000);
	ck_assert_int_eq(write_bytes('y', 100, 5950), 100);
	ck_assert_int_eq(size_of(buffer), 6050);
	ck_assert_int_eq(write_bytes('z', 1, (off_t)page_round_up(6000)), -EBUSY);
	ck_assert_int_eq(buffer_truncate(buffer, 10), 0);
	ck_assert_uint_eq(buffer_capacity(buffer), page_round_up(6000));
	assert_gap_is_zero(buffer);
	ck_assert_int_eq(buffer_truncate(buffer, 6000), 0);
	assert_bytes(0, 10, 6000);
	close(fd);
}
END_TEST

/* A hole would leave the dma-buf with pages that are no longer the file's. */
START_TEST(no_hole_in_exported_memory)
{
	int fd = export_bytes(3 * (off_t)page), mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	off_t held = blocks_of(buffer);

	ck_assert_int_eq(buffer_allocate(buffer, mode, 0, 2 * (off_t)page), 0);
	assert_bytes(0, 0, 2 * (off_t)page);
	ck_assert_int_eq(blocks_of(buffer), held);
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
	ck_assert_int_eq(blocks_of(buffer), held);
	close(fd);
}
END_TEST

START_TEST(one_dmabuf_for_all_exports)
{
	int first = export_bytes(100), second = buffer_export(buffer);

	ck_assert_int_ge(second, 0);
	ck_assert_int_eq(heap.exports, 1);
	close(first);
	close(second);
}
END_TEST

START_TEST(export_fills_holes)
{
	int fd;

	ck_assert_int_eq(buffer_truncate(buffer, 10 * (off_t)page), 0);
	heap.quota.limit = 9 * page;
	ck_assert_int_eq(buffer_export(buffer), -ENOSPC);
	ck_assert_int_eq(visited(buffer).state, BUFFER_FILE);
	ck_assert_uint_eq(used_quota(&heap), 0);
	heap.quota.limit = 10 * page;
	fd = buffer_export(buffer);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(used_quota(&heap), 10 * page);
	ck_assert_int_eq(blocks_of(buffer), 10 * (off_t)page);
	close(fd);
}
END_TEST

/* A map can write behind the end of a file, up to the end of the page. */
START_TEST(export_wipes_the_last_page)
{
	char *map;
	int fd;

	ck_assert_int_eq(write_bytes('x', 10, 0), 10);
	map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->file, 0);
	memset(map, 'j', page);
	fd = buffer_export(buffer);
	ck_assert_int_ge(fd, 0);
	assert_gap_is_zero(buffer);
	assert_bytes('j', 0, 10);
	munmap(map, page);
	close(fd);
}
END_TEST

START_TEST(export_that_can_not_be)
{
	ck_assert_int_eq(buffer_export(buffer), -ENODATA);
	ck_assert_int_eq(write_bytes('x', 100, 0), 100);
	heap.may_export_error = -EFBIG;
	ck_assert_int_eq(buffer_export(buffer), -EFBIG);
	ck_assert_int_eq(visited(buffer).state, BUFFER_FILE);
	ck_assert_int_eq(buffer_truncate(buffer, 10), 0);
}
END_TEST

/* An address space of 32 bits has no room for it. The file stays as it is. */
START_TEST(export_of_too_much)
{
	if (SIZE_MAX > UINT32_MAX)
		return;
	const off_t size = (off_t)5 << 30;

	ck_assert_int_eq(buffer_truncate(buffer, size), 0);
	ck_assert_int_eq(write_bytes('x', 100, size - 100), 100);
	ck_assert_int_eq(buffer_export(buffer), -EFBIG);
	ck_assert_int_eq(size_of(buffer), size);
	assert_bytes('x', size - 100, 100);
}
END_TEST

/* Sealing can't be undone, so the memory stays pinned, but nothing is lost. */
START_TEST(export_that_fails)
{
	int fd;

	ck_assert_int_eq(write_bytes('x', 100, 0), 100);
	heap.export_error = -ENOMEM;
	ck_assert_int_eq(buffer_export(buffer), -ENOMEM);
	ck_assert_int_eq(size_of(buffer), 100);
	assert_bytes('x', 0, 100);
	ck_assert_int_eq(buffer_truncate(buffer, 1 << 20), -EBUSY);
	ck_assert_int_eq(buffer_truncate(buffer, 10), 0);
	heap.export_error = 0;
	fd = buffer_export(buffer);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(size_of(buffer), 10);
	close(fd);
}
END_TEST

START_TEST(copies_across_the_pin)
{
	struct buffer *other = fake_buffer(&heap);
	int fd = export_bytes(6000);

	ck_assert_int_eq(buffer_copy(buffer, 1000, other, 10, 9000), 5000);
	ck_assert_int_eq(size_of(other), 5010);
	ck_assert_int_eq(buffer_copy(other, 0, buffer, 100, 5010), 5010);
	assert_bytes('x', 0, 100);
	assert_bytes(0, 100, 110);
	assert_bytes('x', 110, 6000);
	close(fd);
	buffer_destroy(other);
}
END_TEST

START_TEST(pinned_times)
{
	struct timespec past[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	struct stat st = {0};
	int fd;

	ck_assert_int_eq(write_bytes('x', 100, 0), 100);
	ck_assert_int_eq(buffer_set_times(buffer, past), 0);
	fd = buffer_export(buffer);
	buffer_stat(buffer, &st);
	ck_assert_int_eq(st.st_mtim.tv_sec, 2000);
	ck_assert_int_eq(st.st_atim.tv_sec, 1000);
	ck_assert_int_eq(write_bytes('x', 1, 0), 1);
	buffer_stat(buffer, &st);
	ck_assert_int_gt(st.st_mtim.tv_sec, 1000000);
	close(fd);
}
END_TEST

static void add_common(TCase *tests)
{
	tcase_add_test(tests, starts_empty);
	tcase_add_test(tests, stays_sparse);
	tcase_add_test(tests, sees_passthrough_writes);
	tcase_add_loop_test(tests, allocates, 0, COUNT(allocations));
	tcase_add_test(tests, max_offset);
	tcase_add_test(tests, no_old_byte_shows);
	tcase_add_test(tests, copies);
}

static void add_tree(TCase *tests)
{
	add_common(tests);
	tcase_add_test(tests, copies_where_the_kernel_does_not);
	tcase_add_test(tests, tree_is_full);
	tcase_add_test(tests, tree_knows_size_and_times);
	tcase_add_test(tests, stat_does_not_wait);
}

static void add_own(TCase *tests)
{
	add_common(tests);
	tcase_add_test(tests, own_file_is_charged);
	tcase_add_test(tests, own_file_has_a_limit);
	tcase_add_test(tests, own_file_reserved_behind_its_end);
	tcase_add_test(tests, own_file_copies_into_the_last_page);
	tcase_add_test(tests, own_file_beyond_its_limit);
	tcase_add_test(tests, own_file_shows_the_later_times);
}

static void add_exported(TCase *tests)
{
	tcase_add_test(tests, orphaned_memory_counts);
	tcase_add_test(tests, foreign_memory_takes_the_files_place);
	tcase_add_test(tests, export_pins);
	tcase_add_test(tests, no_hole_in_exported_memory);
	tcase_add_test(tests, one_dmabuf_for_all_exports);
	tcase_add_test(tests, export_fills_holes);
	tcase_add_test(tests, export_wipes_the_last_page);
	tcase_add_test(tests, export_that_can_not_be);
	tcase_add_test(tests, export_of_too_much);
	tcase_add_test(tests, export_that_fails);
	tcase_add_test(tests, copies_across_the_pin);
	tcase_add_test(tests, pinned_times);
}

static void add_case(Suite *suite, const char *name, SFun set_up, void (*fill)(TCase *))
{
	TCase *tests = tcase_create(name);

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, set_up, teardown);
	fill(tests);
	suite_add_tcase(suite, tests);
}

int main(void)
{
	Suite *suite = suite_create("buffer that is a file");

	add_case(suite, "of the tree", setup_tree, add_tree);
	add_case(suite, "of its own", setup_own, add_own);
	add_case(suite, "exported", setup_own, add_exported);
	return run_suite(suite);
}
