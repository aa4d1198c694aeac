// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every heap that this machine has and this process may use: memory, growth and
 * exports for real. On a machine without dma-bufs that is shared memory alone.
 */
#include "fake_heap.h"

static void exercise(struct buffer *buffer)
{
	enum { SIZE = 300000 };
	char *data = malloc(SIZE), *back = malloc(SIZE);

	for (int i = 0; i < SIZE; i++)
		data[i] = (char)(i * 7 + i / 251);
	for (int at = 0; at < SIZE; at += 50000)
		ck_assert_int_eq(buffer_write(buffer, data + at, 50000, at), 50000);
	ck_assert_int_eq(buffer_read(buffer, back, SIZE, 0), SIZE);
	ck_assert_mem_eq(data, back, SIZE);
	ck_assert_int_eq(buffer_truncate(buffer, 1000), 0);
	ck_assert_int_eq(buffer_truncate(buffer, SIZE), 0);
	assert_filled(buffer, 0, 1000, SIZE);
	ck_assert_int_eq(buffer_write(buffer, data, SIZE, 0), SIZE);
	buffer_settle(buffer);
	free(data);
	free(back);
}

/* The view of another program. */
static void look_through_dmabuf(struct buffer *buffer)
{
	uint64_t capacity = buffer_capacity(buffer);
	int fd = buffer_export(buffer);
	struct dma_buf_sync sync = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ};
	unsigned char *map;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), (off_t)capacity);
	map = mmap(NULL, capacity, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(dmabuf_sync(NULL, fd, sync.flags), 0);
	ck_assert_int_eq(map[1000], (unsigned char)(1000 * 7 + 1000 / 251));
	ck_assert_int_eq(map[capacity - 1], 0);
	ck_assert_int_eq(buffer_write(buffer, "\x55", 1, 0), 1);
	ck_assert_int_eq(map[0], 0x55);
	munmap(map, capacity);
	close(fd);
}

static bool is_refusal(int err)
{
	return err == -ENOSPC || err == -EFBIG;
}

/* More than the machine's memory is refused at once, and kills no process. */
static void ask_too_much(struct buffer *buffer)
{
	off_t all = (off_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

	ck_assert(is_refusal(buffer_truncate(buffer, (off_t)1 << 50)));
	ck_assert(is_refusal(buffer_truncate(buffer, all)));
	ck_assert_uint_eq(buffer_capacity(buffer), 0);
}

/* Beyond the module's limit there is no dma-buf, but the file is none the worse for it. */
static void exceed_udmabuf(struct buffer *buffer)
{
	uint64_t limit = heap_udmabuf_limit("/sys/module/udmabuf/parameters");

	if (limit > 1u << 30)
		return;
	ck_assert_int_eq(buffer_truncate(buffer, (off_t)limit + 1), 0);
	ck_assert_int_eq(buffer_export(buffer), -EFBIG);
	ck_assert_int_eq(visited(buffer).state, BUFFER_FILE);
	ck_assert_int_eq(buffer_truncate(buffer, 0), 0);
}

static void try_buffer(struct buffer *buffer, enum heap_memory memory)
{
	if (memory == HEAP_DMABUF)
		ask_too_much(buffer);
	if (memory == HEAP_MEMFD)
		exceed_udmabuf(buffer);
	exercise(buffer);
	if (memory == HEAP_TMPFS)
		ck_assert_int_eq(buffer_export(buffer), -ENOTSUP);
	else
		look_through_dmabuf(buffer);
}

static enum heap_memory memory_of(const struct heap *heap)
{
	return heap->ops->in_tmpfs ? HEAP_TMPFS : heap->ops->fixed_size ? HEAP_DMABUF : HEAP_MEMFD;
}

static void try_memory(struct heap *heap)
{
	int file = heap->ops->in_tmpfs ? fake_memory(0) : -1;
	struct quota quota = {.limit = UINT64_MAX};
	struct buffer *buffer;

	ck_assert_int_eq(buffer_create(&buffer, heap, &quota, file), 0);
	try_buffer(buffer, memory_of(heap));
	buffer_destroy(buffer);
	ck_assert_uint_eq(quota.used, 0);
}

static void try_if_usable(void *context, const char *name, bool usable, const char *text)
{
	int *tried = context;
	struct heap *heap;
	char why[256];

	(void)text;
	if (!usable)
		return;
	ck_assert_msg(!heap_open(&heap, name, "/dev", why), "%s: %s", name, why);
	try_memory(heap);
	heap_destroy(heap);
	(*tried)++;
}

START_TEST(every_usable_heap)
{
	int fds_before = count_fds(), tried = 0;

	heap_list("/dev", try_if_usable, &tried);
	ck_assert_int_ge(tried, 1);
	ck_assert_int_eq(count_fds(), fds_before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("heaps of this machine");
	TCase *tests = tcase_create("heaps");

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, every_usable_heap);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
