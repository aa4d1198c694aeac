// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests of one user wait for each other, and nobody else's do. */
#include "fs/admission.h"

#include <check.h>
#include <linux/fuse.h>
#include <stdlib.h>

#define THREADS	 64
#define PER_USER 16
#define HEAVY	 4

static struct admission admission;
static unsigned threads; /* that serve a request, or wait for one */

static struct table parked;
static struct requests requests;
static struct request *slot; /* of all threads */
static _Atomic uint32_t parked_used;

static void init(unsigned count, unsigned most_parked)
{
	parked_used = 0;
	free(parked.records);
	table_attach(&parked, calloc(most_parked, sizeof(struct parked_request)),
		     sizeof(struct parked_request), most_parked, &parked_used);
	admission_finish(&admission);
	admission_init(&admission, count, &parked);
}

static void setup(void)
{
	requests = (struct requests){.count = 1, .buffer_bytes = 1 << 16};
	requests.slots = calloc(1, request_slot_bytes(requests.buffer_bytes));
	slot = request_slot(&requests, 0);
	init(THREADS, 1000);
	threads = 0;
}

static void teardown(void)
{
	admission_finish(&admission);
	free(parked.records);
	free(requests.slots);
	parked.records = NULL;
}

static bool enter_sized(uint32_t opcode, uid_t user, uint64_t unique, uint32_t size)
{
	*(struct fuse_in_header *)request_buffer(slot) = (struct fuse_in_header){
		.len = size, .opcode = opcode, .uid = user, .unique = unique};
	const bool served = admission_enter(&admission, threads, slot);

	request_clear(slot);
	threads += served;
	return served;
}

/* Returns whether the request is served. Its number is in @unique. */
static bool enter(uint32_t opcode, uid_t user, uint64_t unique)
{
	return enter_sized(opcode, user, unique, sizeof(struct fuse_in_header));
}

/* Thread @thread is done. Returns the number of its next request; 0: none. */
static uint64_t leave(unsigned thread)
{
	admission_leave(&admission, thread);
	if (!admission_next(&admission, thread, slot))
		return 0;
	const uint64_t unique = ((const struct fuse_in_header *)request_buffer(slot))->unique;

	request_clear(slot);
	return unique;
}

START_TEST(the_next_one_of_a_user_waits)
{
	for (unsigned i = 0; i < PER_USER; i++)
		ck_assert(enter(FUSE_LOOKUP, 1000, i));
	ck_assert(!enter(FUSE_GETATTR, 1000, 100));
	ck_assert(!enter(FUSE_LOOKUP, 1000, 101));
	ck_assert(enter(FUSE_LOOKUP, 1001, 200));
	ck_assert(enter(FUSE_LOOKUP, 0, 201));
	ck_assert_uint_eq(leave(PER_USER), 0);
	ck_assert_uint_eq(leave(3), 100);
	ck_assert_uint_eq(leave(5), 101);
	ck_assert_uint_eq(leave(3), 0);
}
END_TEST

START_TEST(much_work_waits_sooner)
{
	for (unsigned i = 0; i < HEAVY; i++)
		ck_assert(enter(i % 2 ? FUSE_FALLOCATE : FUSE_COPY_FILE_RANGE, 1000, i));
	ck_assert(!enter(FUSE_FALLOCATE, 1000, 100));
	ck_assert(enter(FUSE_LOOKUP, 1000, 101));
	ck_assert(enter(FUSE_FALLOCATE, 1001, 102));
	/* The end of light work is no turn for the heavy one. */
	ck_assert_uint_eq(leave(HEAVY), 0);
	ck_assert_uint_eq(leave(0), 100);
}
END_TEST

/* One with thousands in the queue does not hold up those behind. */
START_TEST(a_long_queue_of_one_user_is_passed)
{
	for (unsigned i = 0; i < PER_USER; i++) {
		ck_assert(enter(FUSE_LOOKUP, 1000, i));
		ck_assert(enter(FUSE_LOOKUP, 1001, i));
	}
	for (unsigned i = 0; i < 500; i++)
		ck_assert(!enter(i % 3 ? FUSE_LOOKUP : FUSE_FALLOCATE, 1000, 1000 + i));
	ck_assert(!enter(FUSE_LOOKUP, 1001, 7));
	/* Of 1001, whose threads have odd numbers. */
	ck_assert_uint_eq(leave(1), 7);
	ck_assert_uint_eq(leave(0), 1000);
}
END_TEST

START_TEST(no_user_gets_all_of_few_threads)
{
	unsigned served = 0;

	init(8, 1000);
	while (enter(FUSE_LOOKUP, 1000, 1))
		served++;
	ck_assert_uint_eq(served, 2);
	while (enter(FUSE_LOOKUP, 0, 1))
		served++;
	ck_assert_uint_eq(served, 6);
	ck_assert(enter(FUSE_LOOKUP, 1001, 1));
}
END_TEST

START_TEST(closed_files_do_not_count_for_users)
{
	for (unsigned i = 0; i < THREADS / 4; i++)
		ck_assert(enter(FUSE_RELEASE, 1000, i));
	ck_assert(!enter(FUSE_RELEASE, 1000, 100));
	ck_assert(!enter(FUSE_FORGET, 0, 101));
	ck_assert(enter(FUSE_LOOKUP, 1000, 102));
	ck_assert_uint_eq(leave(0), 100);
}
END_TEST

START_TEST(without_room_in_the_queue_it_is_served)
{
	init(THREADS, 2);
	for (unsigned i = 0; i < PER_USER; i++)
		ck_assert(enter(FUSE_WRITE, 1000, i));
	ck_assert(!enter(FUSE_WRITE, 1000, 100));
	ck_assert(!enter(FUSE_WRITE, 1000, 101));
	ck_assert(enter(FUSE_WRITE, 1000, 102));
	ck_assert_uint_eq(leave(0), 0);
	ck_assert_uint_eq(leave(1), 100);
	ck_assert(!enter(FUSE_WRITE, 1000, 103));
}
END_TEST

START_TEST(a_large_one_does_not_wait)
{
	for (unsigned i = 0; i < PER_USER; i++)
		ck_assert(enter(FUSE_WRITE, 1000, i));
	ck_assert(enter_sized(FUSE_WRITE, 1000, 100, PARKED_BYTES + 1));
	ck_assert(!enter_sized(FUSE_WRITE, 1000, 101, PARKED_BYTES));
}
END_TEST

/* They were parked by a process that was killed. */
START_TEST(what_is_parked_already_is_served)
{
	for (unsigned i = 0; i < PER_USER; i++)
		ck_assert(enter(FUSE_LOOKUP, 1000, i));
	ck_assert(!enter(FUSE_LOOKUP, 1000, 100));
	admission_finish(&admission);
	admission_init(&admission, THREADS, &parked);
	ck_assert_uint_eq(leave(0), 100);
	ck_assert_uint_eq(leave(0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("admission");
	TCase *tests = tcase_create("admission");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_next_one_of_a_user_waits);
	tcase_add_test(tests, much_work_waits_sooner);
	tcase_add_test(tests, a_long_queue_of_one_user_is_passed);
	tcase_add_test(tests, no_user_gets_all_of_few_threads);
	tcase_add_test(tests, closed_files_do_not_count_for_users);
	tcase_add_test(tests, without_room_in_the_queue_it_is_served);
	tcase_add_test(tests, a_large_one_does_not_wait);
	tcase_add_test(tests, what_is_parked_already_is_served);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
