// SPDX-License-Identifier: GPL-2.0-or-later
/* The memory that outlives the process: what another program takes, and what it refuses. */
#include "fs/inode.h"
#include "fs/saved.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct saved saved;

static void setup(void)
{
	saved = (struct saved){.file = -1};
	ck_assert_int_eq(saved_create(&saved), 0);
	ck_assert_int_ge(saved.file, 0);
}

static void teardown(void)
{
	saved_finish(&saved);
}

/* Returns what another program gets of the memory, and frees it. */
static int open_again(void)
{
	struct saved other = {.file = -1};
	const int error = saved_open(&other, dup(saved.file));

	if (!error)
		ck_assert_uint_eq(table_count(&other.inodes), table_count(&saved.inodes));
	saved_finish(&other);
	return error;
}

START_TEST(records_are_there_for_another_program)
{
	record_publish(table_add(&saved.inodes));
	table_add(&saved.inodes);
	ck_assert_int_eq(open_again(), 0);
	ck_assert_uint_eq(table_count(&saved.inodes), 1);
}
END_TEST

START_TEST(another_layout_is_refused)
{
	saved.head->layout++;
	ck_assert_int_eq(open_again(), -EINVAL);
}
END_TEST

START_TEST(cut_memory_is_refused)
{
	struct stat st;

	ck_assert_int_eq(fstat(saved.file, &st), 0);
	ck_assert_int_eq(ftruncate(saved.file, st.st_size - 4096), 0);
	ck_assert_int_eq(open_again(), -EINVAL);
}
END_TEST

START_TEST(another_file_is_refused)
{
	struct saved other = {.file = -1};

	ck_assert_int_eq(saved_open(&other, memfd_create("other", MFD_CLOEXEC)), -EINVAL);
	saved_finish(&other);
	other = (struct saved){.file = -1};
	ck_assert_int_eq(saved_open(&other, -1), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("saved");
	TCase *tests = tcase_create("saved");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, records_are_there_for_another_program);
	tcase_add_test(tests, another_layout_is_refused);
	tcase_add_test(tests, cut_memory_is_refused);
	tcase_add_test(tests, another_file_is_refused);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
