// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random operations on two buffers, each beside a plain array with the expected bytes. A
 * failure prints its seed; DMAHEAPFS_SEED=N repeats that run, DMAHEAPFS_ROUNDS=N makes
 * runs longer.
 */
#include "fake_heap.h"

#include <stdlib.h>

enum { LARGEST = 4 << 20, BUFFERS = 2, SEEDS = 24, ROUNDS = 400 };

struct model {
	unsigned char *bytes; /* LARGEST; zero from size on */
	size_t size;
};

struct run {
	struct fake_heap heap;
	unsigned int seed;
	uint64_t state; /* of the random numbers */
	bool may_fail;	/* for want of memory */
	struct buffer *buffers[BUFFERS];
	struct model models[BUFFERS];
	unsigned char *scratch; /* LARGEST */
	int round;
	const char *operation;
};

#define check(run, condition)                                                            \
	ck_assert_msg(condition, "seed %u, round %d, %s: %s", (run)->seed, (run)->round, \
		      (run)->operation, #condition)

/* Knuth's numbers for a linear congruential generator; the upper half is random enough. */
static uint32_t any(struct run *run)
{
	run->state = run->state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(run->state >> 32);
}

static size_t below(struct run *run, size_t limit)
{
	return any(run) % limit;
}

/* Mostly small, often at a page's edge, now and then anything. */
static size_t any_offset(struct run *run)
{
	switch (below(run, 8)) {
	case 0:
		return below(run, LARGEST - 1);
	case 1:
		return below(run, LARGEST / 4096 - 1) * 4096;
	case 2:
	case 3:
		return below(run, 16) * 4096 + below(run, 3);
	default:
		return below(run, 65536);
	}
}

static size_t any_length(struct run *run, size_t offset)
{
	size_t length = 1 + (below(run, 10) ? below(run, 20000) : below(run, LARGEST));

	return length < LARGEST - offset ? length : LARGEST - offset;
}

static void model_resize(struct model *model, size_t size)
{
	if (size < model->size)
		memset(model->bytes + size, 0, model->size - size);
	model->size = size;
}

static void model_reach(struct model *model, size_t end)
{
	if (end > model->size)
		model->size = end;
}

static bool is_fixed(struct buffer *buffer)
{
	return buffer->exported;
}

/* Only for want of memory, or because the memory is exported. */
static void check_excuse(struct run *run, struct buffer *buffer, ssize_t err)
{
	check(run, err == -ENOSPC || err == -EBUSY);
	check(run, err != -ENOSPC || run->may_fail || is_fixed(buffer));
	check(run, err != -EBUSY || is_fixed(buffer));
}

static void do_write(struct run *run, struct buffer *buffer, struct model *model)
{
	size_t offset = any_offset(run), length = any_length(run, offset);
	ssize_t n;

	for (size_t i = 0; i < length; i++)
		run->scratch[i] = (unsigned char)(any(run) | 1);
	n = buffer_write(buffer, run->scratch, length, (off_t)offset);
	if (n < 0) {
		check_excuse(run, buffer, n);
		return;
	}
	check(run, n > 0 && (size_t)n <= length);
	check(run, (size_t)n == length || run->may_fail || is_fixed(buffer));
	memcpy(model->bytes + offset, run->scratch, (size_t)n);
	model_reach(model, offset + (size_t)n);
}

static void check_range(struct run *run, struct buffer *buffer, struct model *model, size_t offset,
			size_t length)
{
	size_t there = offset < model->size ? model->size - offset : 0;
	size_t expected = length < there ? length : there;
	ssize_t n = buffer_read(buffer, run->scratch, length, (off_t)offset);

	check(run, n == (ssize_t)expected);
	check(run, !memcmp(run->scratch, model->bytes + offset, expected));
}

static void do_read(struct run *run, struct buffer *buffer, struct model *model)
{
	size_t offset = any_offset(run);

	check_range(run, buffer, model, offset, any_length(run, offset));
}

static void do_truncate(struct run *run, struct buffer *buffer, struct model *model)
{
	size_t size = below(run, 6) ? any_offset(run) : 0;
	int err = buffer_truncate(buffer, (off_t)size);

	if (err) {
		check(run, size > model->size);
		check_excuse(run, buffer, err);
		return;
	}
	model_resize(model, size);
}

static void do_allocate(struct run *run, struct buffer *buffer, struct model *model)
{
	static const int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
				    FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE};
	int mode = modes[below(run, 5)];
	size_t offset = any_offset(run), length = any_length(run, offset);
	int err = buffer_allocate(buffer, mode, (off_t)offset, (off_t)length);

	if (err) {
		check(run, !(mode & FALLOC_FL_PUNCH_HOLE));
		check_excuse(run, buffer, err);
		return;
	}
	if (mode & (FALLOC_FL_ZERO_RANGE | FALLOC_FL_PUNCH_HOLE))
		memset(model->bytes + offset, 0, length);
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		model_reach(model, offset + length);
}

static void do_seek(struct run *run, struct buffer *buffer, struct model *model)
{
	size_t offset = any_offset(run);
	off_t data = buffer_seek(buffer, (off_t)offset, SEEK_DATA);
	off_t hole = buffer_seek(buffer, (off_t)offset, SEEK_HOLE);

	if (offset >= model->size) {
		check(run, data == -ENXIO && hole == -ENXIO);
		return;
	}
	check(run, hole >= (off_t)offset && hole <= (off_t)model->size);
	check(run, data == -ENXIO || (data >= (off_t)offset && data < (off_t)model->size));
	if (data < 0)
		data = (off_t)model->size;
	memset(run->scratch, 0, (size_t)data - offset);
	check(run, !memcmp(model->bytes + offset, run->scratch, (size_t)data - offset));
}

static void do_copy(struct run *run, struct buffer *buffer, struct model *model)
{
	size_t which = below(run, BUFFERS);
	struct model *to_model = &run->models[which];
	size_t from = any_offset(run), to = any_offset(run);
	size_t length = any_length(run, from > to ? from : to);
	bool overlap = model == to_model && from < to + length && to < from + length;
	ssize_t n = buffer_copy(buffer, (off_t)from, run->buffers[which], (off_t)to, length);

	if (overlap) {
		check(run, n == -EINVAL);
		return;
	}
	if (n < 0) {
		check_excuse(run, run->buffers[which], n);
		return;
	}
	check(run, n == 0 || from + (size_t)n <= model->size);
	check(run, n > 0 || from >= model->size);
	memcpy(to_model->bytes + to, model->bytes + from, (size_t)n);
	if (n > 0)
		model_reach(to_model, to + (size_t)n);
}

static void do_settle(struct run *run, struct buffer *buffer, struct model *model)
{
	(void)run;
	(void)model;
	buffer_settle(buffer);
}

static void do_export(struct run *run, struct buffer *buffer, struct model *model)
{
	int fd;

	if (run->heap.memory == HEAP_TMPFS || below(run, 40))
		return;
	fd = buffer_export(buffer);
	if (fd < 0)
		check(run,
		      (fd == -ENODATA && model->size == 0) || (fd == -ENOSPC && run->may_fail));
	else
		close(fd);
}

/* Starting anew keeps exported buffers from piling up. */
static void do_replace(struct run *run, struct buffer *buffer, struct model *model)
{
	size_t which = (size_t)(model - run->models);

	if (below(run, 10))
		return;
	run->heap.fail_alloc = 0;
	run->heap.watched = NULL;
	buffer_destroy(buffer);
	run->buffers[which] = fake_buffer(&run->heap);
	run->heap.watched = run->buffers[0];
	model_resize(model, 0);
}

static void do_break_heap(struct run *run, struct buffer *buffer, struct model *model)
{
	(void)buffer;
	(void)model;
	if (run->may_fail)
		run->heap.fail_alloc = (int)below(run, 3);
}

static const struct {
	const char *name;
	void (*run)(struct run *run, struct buffer *buffer, struct model *model);
	int weight;
} operations[] = {
	{"write", do_write, 8},	      {"read", do_read, 4},
	{"truncate", do_truncate, 4}, {"allocate", do_allocate, 5},
	{"seek", do_seek, 2},	      {"copy", do_copy, 4},
	{"settle", do_settle, 2},     {"export", do_export, 2},
	{"replace", do_replace, 1},   {"break the heap", do_break_heap, 2},
};

enum { WEIGHTS = 34 };

static size_t any_operation(struct run *run)
{
	int left = (int)below(run, WEIGHTS);
	size_t i = 0;

	while ((left -= operations[i].weight) >= 0)
		i++;
	return i;
}

static void step(struct run *run)
{
	size_t which = below(run, BUFFERS), i = any_operation(run);

	run->operation = operations[i].name;
	operations[i].run(run, run->buffers[which], &run->models[which]);
}

/* The invariants after every operation. Looking at a memory file corrects its charge. */
static void check_sums(struct run *run)
{
	uint64_t held = 0;

	for (int i = 0; i < BUFFERS; i++) {
		check(run, size_of(run->buffers[i]) == (off_t)run->models[i].size);
		held += buffer_capacity(run->buffers[i]);
	}
	if (run->heap.memory != HEAP_TMPFS)
		check(run, used_quota(&run->heap) == held);
	check(run, used_quota(&run->heap) <= run->heap.quota.limit);
	check(run, run->heap.starts == run->heap.ends);
}

static void check_everything(struct run *run)
{
	for (int i = 0; i < BUFFERS; i++) {
		check_range(run, run->buffers[i], &run->models[i], 0, LARGEST);
		if (run->buffers[i]->dmabuf.file >= 0)
			assert_gap_is_zero(run->buffers[i]);
	}
}

static void run_init(struct run *run, enum heap_memory memory, unsigned int seed)
{
	static const uint64_t limits[] = {UINT64_MAX, 1 << 20, 5 << 20};

	memset(run, 0, sizeof(*run));
	fake_heap_init(&run->heap, memory);
	run->heap.takes_io = seed % 2;
	run->heap.quota.limit = limits[seed % 3];
	run->may_fail = seed % 3 && memory != HEAP_TMPFS;
	run->seed = seed;
	run->state = seed;
	run->scratch = malloc(LARGEST);
	for (int i = 0; i < BUFFERS; i++) {
		run->buffers[i] = fake_buffer(&run->heap);
		run->models[i].bytes = calloc(1, LARGEST);
	}
	run->heap.watched = run->buffers[0];
}

static void run_finish(struct run *run)
{
	run->heap.watched = NULL;
	for (int i = 0; i < BUFFERS; i++) {
		buffer_destroy(run->buffers[i]);
		free(run->models[i].bytes);
	}
	free(run->scratch);
	check(run, used_quota(&run->heap) == 0);
}

static int number_from(const char *variable, int otherwise)
{
	const char *text = getenv(variable);

	return text ? atoi(text) : otherwise;
}

static void run_all(enum heap_memory memory, unsigned int seed)
{
	int rounds = number_from("DMAHEAPFS_ROUNDS", ROUNDS), fds_before = count_fds();
	struct run run;

	run_init(&run, memory, seed);
	for (run.round = 0; run.round < rounds; run.round++) {
		step(&run);
		check_sums(&run);
		if (run.round % 20 == 0)
			check_everything(&run);
	}
	check_everything(&run);
	run_finish(&run);
	ck_assert_int_eq(count_fds(), fds_before);
	ck_assert_int_eq(count_maps(), 0);
}

START_TEST(file_of_the_tree)
{
	run_all(HEAP_TMPFS, (unsigned int)_i);
}
END_TEST

START_TEST(file_of_its_own)
{
	run_all(HEAP_MEMFD, (unsigned int)_i);
}
END_TEST

START_TEST(fixed_pages)
{
	run_all(HEAP_DMABUF, (unsigned int)_i);
}
END_TEST

int main(void)
{
	int first = number_from("DMAHEAPFS_SEED", 0);
	int end = getenv("DMAHEAPFS_SEED") ? first + 1 : SEEDS;
	Suite *suite = suite_create("random operations");
	TCase *tests = tcase_create("random");

	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, file_of_the_tree, first, end);
	tcase_add_loop_test(tests, file_of_its_own, first, end);
	tcase_add_loop_test(tests, fixed_pages, first, end);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
