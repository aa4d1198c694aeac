// SPDX-License-Identifier: GPL-2.0-or-later
/* Callers that get the error of files that ended before use. */
#include "fs/fs.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

static struct estale estale;

START_TEST(estale_then_enoent)
{
	ck_assert_int_eq(estale_answer(&estale, 7, -ESTALE), -ESTALE);
	ck_assert_int_eq(estale_answer(&estale, 7, -ESTALE), -ENOENT);
	ck_assert_int_eq(estale_answer(&estale, 7, -ESTALE), -ESTALE);
}
END_TEST

START_TEST(success_in_between_starts_anew)
{
	ck_assert_int_eq(estale_answer(&estale, 7, -ESTALE), -ESTALE);
	ck_assert_int_eq(estale_answer(&estale, 7, 0), 0);
	ck_assert_int_eq(estale_answer(&estale, 7, -ESTALE), -ESTALE);
}
END_TEST

START_TEST(other_errors_are_not_touched)
{
	ck_assert_int_eq(estale_answer(&estale, 7, -EACCES), -EACCES);
	ck_assert_int_eq(estale_answer(&estale, 7, -ESTALE), -ESTALE);
	ck_assert_int_eq(estale_answer(&estale, 7, -EACCES), -EACCES);
}
END_TEST

START_TEST(each_thread_has_a_turn_of_its_own)
{
	ck_assert_int_eq(estale_answer(&estale, 7, -ESTALE), -ESTALE);
	ck_assert_int_eq(estale_answer(&estale, 8, -ESTALE), -ESTALE);
	ck_assert_int_eq(estale_answer(&estale, 7 + ESTALE_CALLERS, -ESTALE), -ESTALE);
	ck_assert_int_eq(estale_answer(&estale, 8, -ESTALE), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stale");
	TCase *tests = tcase_create("answers");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tests, estale_then_enoent);
	tcase_add_test(tests, success_in_between_starts_anew);
	tcase_add_test(tests, other_errors_are_not_touched);
	tcase_add_test(tests, each_thread_has_a_turn_of_its_own);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
