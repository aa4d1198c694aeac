// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many threads on two buffers. Each writer owns a region and must find its own bytes in it
 * while others change the size, the capacity and the memory; behind all regions every byte
 * is zero at all times. Worth running under ThreadSanitizer.
 */
#include "fake_heap.h"

enum {
	WRITERS = 4,
	REGION = 40000, /* no multiple of a page: neighbours share one */
	TAIL = WRITERS * REGION,
	TAIL_SIZE = 3 << 20, /* enough for shrinking to move the memory */
	ROUNDS = 100,
};

static struct fake_heap heaps[2]; /* one each, for each watches one buffer */
static struct buffer *buffers[2];
static _Atomic bool stop;

struct writer {
	int number;
	unsigned int state;
};

static void assert_all(ssize_t n, size_t size)
{
	ck_assert_int_eq(n, (ssize_t)size);
}

static off_t region_of(const struct writer *writer)
{
	return (off_t)writer->number * REGION;
}

static void fill(struct writer *writer, unsigned char *data)
{
	for (int i = 0; i < REGION; i++) {
		writer->state = writer->state * 1103515245 + 12345;
		data[i] = (unsigned char)(writer->state >> 16);
	}
}

/* Through both buffers and back, the second lap in the opposite order of locks. */
static void write_and_copy(struct writer *writer, const unsigned char *data, unsigned char *back)
{
	off_t at = region_of(writer);
	struct buffer *first = buffers[writer->number % 2];
	struct buffer *second = buffers[(writer->number + 1) % 2];

	assert_all(buffer_write(first, data, REGION, at), REGION);
	assert_all(buffer_copy(first, at, second, at, REGION), REGION);
	assert_all(buffer_read(second, back, REGION, at), REGION);
	ck_assert_mem_eq(data, back, REGION);
	ck_assert_int_eq(buffer_allocate(first, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at + 1,
					 REGION - 2),
			 0);
	assert_all(buffer_copy(second, at, first, at, REGION), REGION);
	assert_all(buffer_read(first, back, REGION, at), REGION);
	ck_assert_mem_eq(data, back, REGION);
}

static void *write_region(void *arg)
{
	struct writer *writer = arg;
	unsigned char *data = malloc(REGION), *back = malloc(REGION);

	for (int i = 0; i < ROUNDS; i++) {
		fill(writer, data);
		write_and_copy(writer, data, back);
	}
	free(data);
	free(back);
	return NULL;
}

/* -EBUSY once the buffer is exported and the tail does not fit. */
static void *move_the_end(void *arg)
{
	unsigned int n = 0;

	(void)arg;
	while (!stop) {
		struct buffer *buffer = buffers[n % 2];
		off_t size = TAIL + (off_t)(n * 7919 % TAIL_SIZE);
		int err = buffer_truncate(buffer, size);

		ck_assert(err == 0 || err == -EBUSY);
		if (n % 3 == 0)
			buffer_settle(buffer);
		n++;
	}
	return NULL;
}

static void *read_the_tail(void *arg)
{
	static const char zeros[65536];
	char *data = malloc(sizeof(zeros));
	unsigned int n = 0;

	(void)arg;
	while (!stop) {
		off_t at = TAIL + (off_t)(n * 50021 % TAIL_SIZE);
		ssize_t got = buffer_read(buffers[n++ % 2], data, sizeof(zeros), at);

		ck_assert_int_ge(got, 0);
		ck_assert_mem_eq(data, zeros, (size_t)got);
	}
	free(data);
	return NULL;
}

static void *look(void *arg)
{
	struct timespec past[2] = {{.tv_sec = 1}, {.tv_sec = 2}};
	unsigned int n = 0;
	struct stat st;

	(void)arg;
	while (!stop) {
		struct buffer *buffer = buffers[n++ % 2];

		memset(&st, 0, sizeof(st));
		buffer_stat(buffer, &st);
		ck_assert_int_ge(st.st_size, 0);
		ck_assert_int_eq(buffer_set_times(buffer, past), 0);
		buffer_seek(buffer, 0, SEEK_HOLE);
		buffer_capacity(buffer);
		visited(buffer);
	}
	return NULL;
}

/* From now on the one memory stays, and the other goes on moving. */
static void export_one(void)
{
	int fd = buffer_export(buffers[1]);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void start_writers(struct writer *writers, pthread_t *threads)
{
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){.number = i, .state = (unsigned int)i};
		pthread_create(&threads[i], NULL, write_region, &writers[i]);
	}
}

static void join(pthread_t *threads, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void run_threads(void)
{
	void *(*const disturbers[])(void *) = {move_the_end, read_the_tail, read_the_tail, look};
	enum { DISTURBERS = 4 };
	pthread_t threads[WRITERS], disturbing[DISTURBERS];
	struct writer writers[WRITERS];

	stop = false;
	start_writers(writers, threads);
	for (int i = 0; i < DISTURBERS; i++)
		pthread_create(&disturbing[i], NULL, disturbers[i], NULL);
	join(threads, WRITERS);
	if (heaps[0].memory != HEAP_TMPFS) {
		export_one();
		start_writers(writers, threads);
		join(threads, WRITERS);
	}
	stop = true;
	join(disturbing, DISTURBERS);
}

static const enum heap_memory kinds[] = {HEAP_TMPFS, HEAP_MEMFD, HEAP_DMABUF};

static void make(int i, enum heap_memory memory)
{
	fake_heap_init(&heaps[i], memory);
	heaps[i].takes_io = i % 2;
	buffers[i] = fake_buffer(&heaps[i]);
	ck_assert_int_eq(buffer_truncate(buffers[i], TAIL), 0);
	heaps[i].watched = buffers[i];
}

static void unmake(int i)
{
	heaps[i].watched = NULL;
	buffer_destroy(buffers[i]);
	ck_assert_int_eq(heaps[i].starts, heaps[i].ends);
	ck_assert_int_eq(heaps[i].start_amid_others, 0);
	ck_assert_uint_eq(used_quota(&heaps[i]), 0);
}

START_TEST(many_at_once)
{
	int fds_before = count_fds();

	make(0, kinds[_i]);
	make(1, kinds[_i]);
	run_threads();
	unmake(0);
	unmake(1);
	ck_assert_int_eq(count_fds(), fds_before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("threads");
	TCase *tests = tcase_create("threads");

	tcase_set_timeout(tests, 240);
	tcase_add_loop_test(tests, many_at_once, 0, sizeof(kinds) / sizeof(kinds[0]));
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
