// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line, as people type it and as mount(8) hands it down. */
#include "options.h"
#include "util/math.h"
#include "util/number.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct options options;
static char why[256];

static int parse(const char *list)
{
	char *words[] = {strdup("dmaheapfs"), strdup("system"), strdup("/mnt"),
			 strdup("-o"),	      strdup(list),	NULL};
	int error = options_parse(&options, 5, words, why);

	for (size_t i = 0; words[i]; i++)
		free(words[i]);
	return error;
}

static void finish(void)
{
	options_finish(&options);
}

START_TEST(source_is_optional)
{
	char *words[] = {strdup("dmaheapfs"), strdup("/mnt"), NULL};

	ck_assert_int_eq(options_parse(&options, 2, words, why), 0);
	ck_assert_ptr_null(options.device);
	ck_assert_str_eq(options.mountpoint, "/mnt");
	free(words[0]);
	free(words[1]);
}
END_TEST

START_TEST(options_may_come_first)
{
	char *words[] = {strdup("dmaheapfs"), strdup("-fo"),  strdup("size=1m"),
			 strdup("x"),	      strdup("/mnt"), NULL};

	ck_assert_int_eq(options_parse(&options, 5, words, why), 0);
	ck_assert_str_eq(options.device, "x");
	ck_assert(options.foreground);
	ck_assert_uint_eq(options.size_bytes, 1 << 20);
	for (size_t i = 0; words[i]; i++)
		free(words[i]);
}
END_TEST

static const struct {
	const char *list;
	const char *mount_flags;
} good[] = {
	{"heap=shmem", NULL},
	{"defaults", NULL},
	{"rw,relatime,nofail,_netdev,auto,user,x-systemd.automount,X-mount.mkdir,comment=x", "rw"},
	{"ro,nosuid,nodev,noexec", "ro,nosuid,nodev,noexec"},
	{"", NULL},
	{",,ro,,", "ro"},
	{"nr_inodes=10k,mode=0755,uid=1000,gid=0", NULL},
	{"uid=root,gid=root", NULL},
	{"user=joe", NULL},
	{"silent,iversion,mand,loud", NULL},
	{"remount,size=1g,rw,user_id=0,group_id=0,default_permissions,allow_other", "rw"},
	{"uid_size=1g,uid_opens=10k,uid_files=1m", NULL},
	{"context=\"system_u:object_r:tmp_t:s0:c127,c456\",ro",
	 "context=\"system_u:object_r:tmp_t:s0:c127\\,c456\",ro"},
	{"rootcontext=a:b:c", "rootcontext=\"a:b:c\""},
};

/* With nr_inodes= not given there is a file for each page, and a user gets 3/4 of them. */
static const struct {
	const char *list;
	uint64_t pages, inodes, names;
} derived[] = {
	{"", 4096, 4096, 3072},
	{"", 1, 1024, 768},
	{"nr_inodes=100", 4096, 100, 75},
	{"uid_files=7", 4096, 4096, 7},
};

START_TEST(limits_follow_from_the_size)
{
	char list[64];

	snprintf(list, sizeof(list), "size=%ju%s%s", (uintmax_t)(derived[_i].pages * page_size()),
		 *derived[_i].list ? "," : "", derived[_i].list);
	ck_assert_msg(!parse(list), "%s: %s", list, why);
	ck_assert_uint_eq(options.inodes_limit, derived[_i].inodes);
	ck_assert_uint_eq(options.names_limit, derived[_i].names);
}
END_TEST

START_TEST(accepted)
{
	ck_assert_msg(!parse(good[_i].list), "%s: %s", good[_i].list, why);
	ck_assert_pstr_eq(options.mount_flags, good[_i].mount_flags);
}
END_TEST

/* Each helper option that mount(8) passes, with -s before the list as it does. */
START_TEST(a_sloppy_helper_ignores_what_it_does_not_know)
{
	char *words[] = {strdup("/sbin/mount.dmaheapfs"),
			 strdup("shmem"),
			 strdup("/mnt"),
			 strdup(_i ? "-sv" : "-v"),
			 strdup("-o"),
			 strdup("size=1m,nonsense,mode=0700"),
			 NULL};
	const int error = options_parse(&options, 6, words, why);

	ck_assert_int_eq(error, _i ? 0 : -EINVAL);
	if (_i)
		ck_assert_int_eq(options.mode_bits, 0700);
	for (size_t i = 0; words[i]; i++)
		free(words[i]);
}
END_TEST

static const struct {
	const char *list;
	const char *complaint; /* part of it */
} bad[] = {
	{"hepa=shmem", "unknown option 'hepa=shmem'"},
	{"heap=linux,cma", "write heap=linux\\,cma"},
	{"heap=shmem,size=1m,cma", "unknown option 'cma'; see"},
	{"heap=shmem,defaults,cma", "unknown option 'cma'; see"},
	{"heap", "'heap' needs a value"},
	{"heap=", "'heap' needs a value"},
	{"ro=1", "'ro' takes no value"},
	{"allow_other=yes", "'allow_other' takes no value"},
	{"size=0", "size=0 is not a size"},
	{"size=1.5", "size=1.5 is not a size"},
	{"size=1.g", "size=1.g is not a size"},
	{"size=1.5%", "size=1.5% is not a size"},
	{"size=4gib7", "size=4gib7 is not a size"},
	{"size=4b", "size=4b is not a size"},
	{"size=9000000.9t", "size=9000000.9t is not a size"},
	{"size=-1", "size=-1"},
	{"size=12x", "size=12x"},
	{"size=1mm", "size=1mm"},
	{"size=9999999999999999999999", "size=9"},
	{"size=16777216t", "size=1"},
	{"size=1001%", "size=1001%"},
	{"nr_inodes=many", "nr_inodes=many"},
	{"uid_size=0", "uid_size=0 is not a size"},
	{"uid_opens=few", "uid_opens=few"},
	{"uid_files=-1", "uid_files=-1"},
	{"mode=888", "mode=888"},
	{"mode=17777", "mode=17777"},
	{"uid=no-one-here", "uid=no-one-here: there is no such user"},
	{"gid=4294967295", "gid=4294967295: there is no such group"},
	{"direct=maybe", "direct=maybe is not one of auto, always, never"},
	{"threads=65", "threads=65 is not a number from 1 to 64"},
	{"ro,size=1m,nonsense", "unknown option 'nonsense'"},
};

START_TEST(refused)
{
	ck_assert_int_eq(parse(bad[_i].list), -EINVAL);
	ck_assert_msg(strstr(why, bad[_i].complaint), "%s: %s", bad[_i].list, why);
	ck_assert_ptr_null(strchr(why, '\n'));
}
END_TEST

START_TEST(commas_can_be_escaped)
{
	ck_assert_int_eq(parse("fsname=a\\,b\\\\c,ro"), 0);
	ck_assert_str_eq(options.fsname, "a,b\\c");
	ck_assert_str_eq(options.mount_flags, "ro");
	options_finish(&options);
	ck_assert_int_eq(parse("heap=\"linux,cma\",fsname=a\",\"b"), 0);
	ck_assert_str_eq(options.heap, "linux,cma");
	ck_assert_str_eq(options.fsname, "a,b");
}
END_TEST

START_TEST(last_value_counts)
{
	ck_assert_int_eq(parse("size=1m,size=2m"), 0);
	ck_assert_uint_eq(options.size_bytes, 2 << 20);
}
END_TEST

START_TEST(sizes_are_whole_pages)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	ck_assert_int_eq(parse("size=1"), 0);
	ck_assert_uint_eq(options.size_bytes, page);
	options_finish(&options);
	ck_assert_int_eq(parse("size=9223372036854775807"), 0);
	ck_assert_uint_eq(options.size_bytes, (uint64_t)INT64_MAX + 1);
}
END_TEST

START_TEST(defaults)
{
	uint64_t half;

	ck_assert_int_eq(parse(""), 0);
	ck_assert_int_eq(parse_size("50%", &half), 0);
	ck_assert_uint_ge(options.size_bytes, half);
	ck_assert_uint_lt(options.size_bytes, half + (uint64_t)sysconf(_SC_PAGESIZE));
	ck_assert_uint_eq(options.mode_bits, 01777);
	ck_assert_uint_eq(options.uid_number, getuid());
	ck_assert_uint_eq(options.gid_number, getgid());
	ck_assert_int_eq(options.copy_direct, COPY_DIRECT_AUTO);
	ck_assert_uint_eq(options.copy_threads, COPY_THREADS);
}
END_TEST

START_TEST(words)
{
	ck_assert_int_eq(parse("direct=never"), 0);
	ck_assert_int_eq(options.copy_direct, COPY_DIRECT_NEVER);
	options_finish(&options);
	ck_assert_int_eq(parse("direct=always,direct=auto"), 0);
	ck_assert_int_eq(options.copy_direct, COPY_DIRECT_AUTO);
}
END_TEST

static const struct {
	const char *text;
	uint64_t size;
} sizes[] = {
	{"1", 1},
	{"4096", 4096},
	{"3k", 3 << 10},
	{"3K", 3 << 10},
	{"512m", 512 << 20},
	{"4G", 4ULL << 30},
	{"2t", 2ULL << 40},
	{"4GB", 4000000000},
	{"4gb", 4000000000},
	{"4GiB", 4ULL << 30},
	{"16kib", 16 << 10},
	{"1.5g", 3ULL << 29},
	{"0.25M", 1 << 18},
	{"1.0000001k", 1024},
	{"9223372036854775807", INT64_MAX},
};

START_TEST(size)
{
	uint64_t parsed;

	ck_assert_int_eq(parse_size(sizes[_i].text, &parsed), 0);
	ck_assert_uint_eq(parsed, sizes[_i].size);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *line = tcase_create("command line");
	TCase *numbers = tcase_create("numbers");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(line, NULL, finish);
	tcase_add_test(line, source_is_optional);
	tcase_add_test(line, options_may_come_first);
	tcase_add_loop_test(line, limits_follow_from_the_size, 0,
			    sizeof(derived) / sizeof(derived[0]));
	tcase_add_loop_test(line, accepted, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(line, refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(line, a_sloppy_helper_ignores_what_it_does_not_know, 0, 2);
	tcase_add_test(line, commas_can_be_escaped);
	tcase_add_test(line, last_value_counts);
	tcase_add_test(line, sizes_are_whole_pages);
	tcase_add_test(line, defaults);
	tcase_add_test(line, words);
	tcase_add_loop_test(numbers, size, 0, sizeof(sizes) / sizeof(sizes[0]));
	suite_add_tcase(suite, line);
	suite_add_tcase(suite, numbers);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
