// SPDX-License-Identifier: GPL-2.0-or-later
/* libdmaheapfs and fds that are not dma-bufs; real ones are in the guests. */
#include "lib/dmaheapfs.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int begin(int dmabuf, int access, int timeout)
{
	return dmaheap_begin_cpu_access(dmabuf, access, timeout);
}

START_TEST(invalid_fds_are_not_waited_for)
{
	const int path = open("/dev/null", O_PATH | O_CLOEXEC);

	ck_assert_int_eq(begin(-1, DMAHEAP_CPU_READ, -1), -EBADF);
	ck_assert_int_eq(begin(-1, DMAHEAP_CPU_READ, 0), -EBADF);
	ck_assert_int_eq(begin(path, DMAHEAP_CPU_WRITE, -1), -EBADF);
	close(path);
	ck_assert_int_eq(begin(path, DMAHEAP_CPU_WRITE, -1), -EBADF);
	ck_assert_int_eq(dmaheap_end_cpu_access(-1, DMAHEAP_CPU_READ), -EBADF);
}
END_TEST

START_TEST(other_fds_are_refused)
{
	const int file = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(begin(file, DMAHEAP_CPU_READ, 1000), -EINVAL);
	ck_assert_int_eq(dmaheap_end_cpu_access(file, DMAHEAP_CPU_READ), -EINVAL);
	ck_assert_int_eq(begin(file, 0, 1000), -EINVAL);
	ck_assert_int_eq(begin(file, 4, 1000), -EINVAL);
	close(file);
}
END_TEST

START_TEST(files_outside_mounts_are_refused)
{
	struct dmaheap_info info;

	ck_assert_int_eq(dmaheap_export("/dev/null"), -ENODEV);
	ck_assert_int_eq(dmaheap_query("/dev/null", &info), -ENODEV);
	ck_assert_int_eq(dmaheap_export("/dev/null/nothing"), -ENOTDIR);
	ck_assert_int_eq(dmaheap_export_fd(-1), -EBADF);
	ck_assert_int_eq(dmaheap_query_fd(-1, &info), -EBADF);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("library");
	TCase *tests = tcase_create("errors");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tests, invalid_fds_are_not_waited_for);
	tcase_add_test(tests, other_fds_are_refused);
	tcase_add_test(tests, files_outside_mounts_are_refused);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
