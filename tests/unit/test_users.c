// SPDX-License-Identifier: GPL-2.0-or-later
/* The limits of each user: counted, refused, given back. */
#include "fs/users.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

static struct users users;

static void setup(void)
{
	users_init(&users, NULL, 3, 5);
}

static void teardown(void)
{
	users_finish(&users);
}

START_TEST(opens_of_one_user_are_limited)
{
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(users_open(&users, 1000), 0);
	ck_assert_int_eq(users_open(&users, 1000), -EUSERS);
	ck_assert_int_eq(users_open(&users, 1001), 0);
	users_close(&users, 1000);
	ck_assert_int_eq(users_open(&users, 1000), 0);
	ck_assert_int_eq(users_open(&users, 1000), -EUSERS);
}
END_TEST

START_TEST(root_has_no_limits)
{
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(users_open(&users, 0), 0);
		ck_assert_int_eq(users_add_name(&users, 0), 0);
	}
}
END_TEST

START_TEST(names_follow_their_owner)
{
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(users_add_name(&users, 1000), 0);
	ck_assert_int_eq(users_add_name(&users, 1000), -EDQUOT);
	users_move_names(&users, 1000, 1001, 2);
	ck_assert_int_eq(users_add_name(&users, 1000), 0);
	/* Beyond the limit, as an owner is changed by root. */
	users_move_names(&users, 1000, 1001, 4);
	ck_assert_int_eq(users_add_name(&users, 1001), -EDQUOT);
	users_remove_names(&users, 1001, 2);
	ck_assert_int_eq(users_add_name(&users, 1001), 0);
	ck_assert_int_eq(users_add_name(&users, 1001), -EDQUOT);
}
END_TEST

/* As after a whiteout, which no user has made. */
START_TEST(more_removed_than_added_is_none)
{
	ck_assert_int_eq(users_add_name(&users, 1000), 0);
	users_remove_names(&users, 1000, 7);
	users_remove_names(&users, 1002, 1);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(users_add_name(&users, 1000), 0);
	ck_assert_int_eq(users_add_name(&users, 1000), -EDQUOT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("users");
	TCase *tests = tcase_create("users");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, opens_of_one_user_are_limited);
	tcase_add_test(tests, root_has_no_limits);
	tcase_add_test(tests, names_follow_their_owner);
	tcase_add_test(tests, more_removed_than_added_is_none);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
