// SPDX-License-Identifier: GPL-2.0-or-later
/* Which way data goes: a test per row of the table, and none is missing. */
#include "fs/open_mode.h"

#include <check.h>
#include <stdlib.h>

static const struct {
	struct open_facts facts;
	enum open_mode mode;
} rows[] = {
	/* memory, passthrough, bound, direct_mmap */
	{{BUFFER_FILE, 1, 0, 1}, OPEN_PASSTHROUGH},
	{{BUFFER_FILE, 1, 0, 0}, OPEN_PASSTHROUGH},
	{{BUFFER_FILE, 0, 0, 1}, OPEN_DIRECT},
	{{BUFFER_FILE, 0, 0, 0}, OPEN_CACHED},
	{{BUFFER_EXPORTED_FILE, 1, 1, 1}, OPEN_PASSTHROUGH},
	{{BUFFER_EXPORTED_FILE, 1, 0, 1}, OPEN_PASSTHROUGH | OPEN_DIRECT},
	{{BUFFER_EXPORTED_FILE, 0, 0, 1}, OPEN_DIRECT},
	{{BUFFER_DMABUF, 1, 1, 0}, OPEN_PASSTHROUGH},
	{{BUFFER_DMABUF, 0, 1, 0}, OPEN_DIRECT},
	{{BUFFER_DMABUF, 1, 0, 0}, OPEN_DIRECT},
	{{BUFFER_EMPTY, 1, 0, 0}, OPEN_DIRECT},
	{{BUFFER_EMPTY, 0, 0, 0}, OPEN_DIRECT},
};

START_TEST(row)
{
	ck_assert_int_eq(open_mode(&rows[_i].facts), rows[_i].mode);
}
END_TEST

static void check_rules(const struct open_facts *facts)
{
	const enum open_mode mode = open_mode(facts);

	/* The kernel refuses an inode that is open both ways. */
	if (mode == OPEN_CACHED)
		ck_assert_int_eq(facts->passthrough, 0);
	if (mode & OPEN_PASSTHROUGH)
		ck_assert_int_eq(facts->passthrough, 1);
	/* A buffer without memory cannot be passed through. */
	if (facts->memory == BUFFER_EMPTY)
		ck_assert_int_eq(mode, OPEN_DIRECT);
}

/* The walk through the table ends for every combination of facts. */
START_TEST(every_combination_has_a_row)
{
	static const enum buffer_state states[] = {BUFFER_FILE, BUFFER_EXPORTED_FILE, BUFFER_DMABUF,
						   BUFFER_EMPTY};

	for (unsigned bits = 0; bits < 8; bits++) {
		const struct open_facts facts = {
			.memory = states[_i],
			.passthrough = bits & 1,
			.bound = bits >> 1 & 1,
			.direct_mmap = bits >> 2 & 1,
		};

		check_rules(&facts);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("open mode");
	TCase *table = tcase_create("table");
	SRunner *runner = srunner_create(suite);

	tcase_add_loop_test(table, row, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(table, every_combination_has_a_row, 0, 4);
	suite_add_tcase(suite, table);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
