// SPDX-License-Identifier: GPL-2.0-or-later
/* The threads that copy: many copies at once, ones that hang, and the end of all. */
#include "copies.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#define MANY 500

static void count_done(void *context, int64_t result, const struct copy_report *report)
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
	_Atomic bool cancel = false;
	_Atomic int ignored = 0;
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	begin_kind(_i);
	fill_source(100001);
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

static void keep_result(void *context, int64_t result, const struct copy_report *report)
{
	(void)result;
	*(_Atomic int *)context = report->error ? report->error : 1;
}

/* A file that hangs: tasks that touch the memory wait until it is released. */
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

#define HANGING_OFFSET (1 << 20)

static int hang_beyond(off_t offset)
{
	if (offset >= HANGING_OFFSET)
		hang();
	return 0;
}

static struct copy copy_that_hangs(void)
{
	faults.no_copy_file_range = true;
	faults.before_io = hang_beyond;
	return copy_in(0, HANGING_OFFSET, UINT64_MAX);
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

	for (int i = 0; i < 60; i++) {
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
START_TEST(hung_jobs_delay_no_other)
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

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int at_the_disk, most_at_the_disk;

/* One after the other, a tenth of a second each. */
static int wait_for_disk(off_t offset)
{
	const int now_there = ++at_the_disk;

	(void)offset;
	if (now_there > most_at_the_disk)
		most_at_the_disk = now_there;
	pthread_mutex_lock(&disk);
	usleep(100 * 1000);
	pthread_mutex_unlock(&disk);
	--at_the_disk;
	return 0;
}

/* A job that is as slow as all others does not hang, and more of them would take longer yet. */
START_TEST(slow_ones_are_not_taken_for_hung)
{
	_Atomic int done = 0;

	begin_kind(KINDS - 1);
	fill_source(100001);
	struct copy copy = copy_in(0, 0, UINT64_MAX);

	faults.no_copy_file_range = true;
	faults.before_io = wait_for_disk;
	most_at_the_disk = 0;
	for (int i = 0; i < 60; i++) {
		copy.memory_offset = (off_t)i * 100001;
		ck_assert_int_eq(copy_submit(pool, &copy, count_done, &done), 0);
	}
	while (done < 60)
		usleep(1000);
	ck_assert_int_le(most_at_the_disk, 4 + 8);
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
	while (!held)
		usleep(1000);
	ck_assert_int_eq(pthread_create(&thread, NULL, let_go_soon, NULL), 0);
	copy_pool_destroy(pool);
	pool = NULL;
	ck_assert(!hanging);
	ck_assert_int_eq(result, -EINTR);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(pool_ends_running_jobs)
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

int main(void)
{
	Suite *suite = suite_create("copy_pool");

	add(suite, "many at once", many_at_once, KINDS);
	add(suite, "short ones overtake", short_ones_overtake, KINDS);
	add(suite, "hung", hung_jobs_delay_no_other, sizeof(hung) / sizeof(hung[0]));
	add(suite, "slow", slow_ones_are_not_taken_for_hung, 1);
	add(suite, "from memory", two_at_a_time_from_memory, KINDS);
	add(suite, "end of a pool that hangs", pool_ends_when_the_last_hung_one_has, KINDS);
	add(suite, "end of the pool", pool_ends_running_jobs, KINDS);
	return run_suite(suite);
}
