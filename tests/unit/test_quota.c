// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The limit of a mount: reservations never exceed it, and other use is always counted.
 */
#include "fake_heap.h"

static const struct {
	uint64_t limit, used, take;
	int result;
	uint64_t left;
} takes[] = {
	{100, 0, 0, 0, 100},
	{100, 0, 100, 0, 0},
	{100, 0, 101, -ENOSPC, 100},
	{100, 40, 60, 0, 0},
	{100, 40, 61, -ENOSPC, 60},
	{100, 140, 0, 0, 0}, /* beyond the limit, see charge_settle() */
	{100, 140, 1, -ENOSPC, 0},
	{100, 40, UINT64_MAX, -ENOSPC, 60}, /* no overflow */
	{100, 40, UINT64_MAX - 39, -ENOSPC, 60},
	{UINT64_MAX, 40, UINT64_MAX - 40, 0, 0},
	{0, 0, 1, -ENOSPC, 0},
};

START_TEST(take)
{
	struct quota quota = {.limit = takes[_i].limit, .used = takes[_i].used};

	ck_assert_int_eq(quota_take(&quota, takes[_i].take), takes[_i].result);
	ck_assert_uint_eq(quota_left(&quota), takes[_i].left);
}
END_TEST

START_TEST(give_back)
{
	struct quota quota = {.limit = 100};

	ck_assert_int_eq(quota_take(&quota, 100), 0);
	quota_give_back(&quota, 30);
	ck_assert_uint_eq(quota_left(&quota), 30);
	ck_assert_int_eq(quota_take(&quota, 31), -ENOSPC);
	ck_assert_int_eq(quota_take(&quota, 30), 0);
}
END_TEST

START_TEST(correct_both_ways)
{
	struct quota quota = {.limit = 100, .used = 40};
	struct charge charge;

	charge = no_charge(&quota);
	charge_settle(&charge, 0, 10);
	ck_assert_uint_eq(quota.used, 50);
	charge_settle(&charge, 0, 90);
	ck_assert_uint_eq(quota.used, 130);
	ck_assert_uint_eq(quota_left(&quota), 0);
	charge_settle(&charge, 0, 0);
	ck_assert_uint_eq(quota.used, 40);
	charge_finish(&charge);
}
END_TEST

enum { THREADS = 4, ROUNDS = 20000 };

static void *take_and_give(void *arg)
{
	struct quota *quota = arg;

	for (int i = 0; i < ROUNDS; i++) {
		if (quota_take(quota, 30))
			continue;
		ck_assert_uint_le(quota->used, quota->limit);
		quota_give_back(quota, 30);
	}
	return NULL;
}

START_TEST(many_at_once)
{
	struct quota quota = {.limit = 100};
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, take_and_give, &quota);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(quota.used, 0);
}
END_TEST

START_TEST(charge_follows_the_file)
{
	struct quota quota = {.limit = 100};
	struct charge charge;

	charge = no_charge(&quota);
	ck_assert_int_eq(charge_reserve(&charge, 60), 0);
	ck_assert_uint_eq(quota.used, 60);
	ck_assert_int_eq(charge_reserve(&charge, 60), -ENOSPC);
	charge_settle(&charge, 60, 50); /* it took less */
	ck_assert_uint_eq(quota.used, 50);
	charge_settle(&charge, 0, 170); /* others wrote */
	ck_assert_uint_eq(quota.used, 170);
	charge_settle(&charge, 0, 20);
	ck_assert_uint_eq(quota.used, 20);
	charge_finish(&charge);
	ck_assert_uint_eq(quota.used, 0);
}
END_TEST

/* A look at the file while a call has memory reserved but not yet taken. */
START_TEST(charge_keeps_reservations)
{
	struct quota quota = {.limit = 100};
	struct charge charge;

	charge = no_charge(&quota);
	ck_assert_int_eq(charge_reserve(&charge, 60), 0);
	charge_settle(&charge, 0, 10);
	ck_assert_uint_eq(quota.used, 70);
	charge_settle(&charge, 60, 60);
	ck_assert_uint_eq(quota.used, 60);
	charge_finish(&charge);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quota");
	TCase *tests = tcase_create("quota");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, take, 0, sizeof(takes) / sizeof(takes[0]));
	tcase_add_test(tests, give_back);
	tcase_add_test(tests, correct_both_ways);
	tcase_add_test(tests, many_at_once);
	tcase_add_test(tests, charge_follows_the_file);
	tcase_add_test(tests, charge_keeps_reservations);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
