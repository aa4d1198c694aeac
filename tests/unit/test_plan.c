// SPDX-License-Identifier: GPL-2.0-or-later
/* The planner's table: each row by an example, and that no case falls through. */
#include "copy/plan.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Properties of a file and a buffer; a large, cold file and a buffer with large pages have none. */
enum { SMALL = 1, WARM = 2, SCATTERED = 4, SHIFTED = 8 };

#define FACTS(file_, kernel_, direct_, true_, access_)                                             \
	{                                                                                          \
		.file = FILE_##file_, .kernel = KERNEL_##kernel_, .direct = COPY_DIRECT_##direct_, \
		.small = (true_)&SMALL, .warm = (true_)&WARM, .scattered = (true_)&SCATTERED,      \
		.congruent = !((true_)&SHIFTED), .access = BUFFER_ACCESS_##access_,                \
	}

static const struct example {
	struct plan_facts facts;
	enum copy_engine engine;
	bool o_direct;
	const char *reason; /* a part of it */
} examples[] = {
	{FACTS(DIRECT, CAN_NOT, AUTO, 0, IO), ENGINE_DIRECT, true, "own pages"},
	{FACTS(DIRECT, CAN_NOT, ALWAYS, WARM, IO), ENGINE_DIRECT, true, "own pages"},
	{FACTS(DIRECT, CAN_NOT, ALWAYS, SMALL, IO), ENGINE_DIRECT, true, "own pages"},

	{FACTS(STREAM, CAN_NOT, AUTO, 0, IO), ENGINE_STREAM, false, "no size or no position"},
	{FACTS(STREAM, UNTRIED, ALWAYS, 0, IO), ENGINE_STREAM, false, "no size or no position"},

	{FACTS(DIRECT, UNTRIED, AUTO, 0, IO), ENGINE_CFR, true, "by itself"},
	{FACTS(DIRECT, UNTRIED, AUTO, 0, MEMCPY), ENGINE_CFR, true, "by itself"},
	{FACTS(DIRECT, UNTRIED, AUTO, SHIFTED | SMALL | SCATTERED, IO), ENGINE_CFR, true,
	 "by itself"},
	{FACTS(DIRECT, UNTRIED, ALWAYS, WARM, IO), ENGINE_CFR, true, "by itself"},
	{FACTS(DIRECT, UNTRIED, NEVER, 0, IO), ENGINE_CFR, false, "direct=never"},
	{FACTS(DIRECT, UNTRIED, AUTO, WARM, IO), ENGINE_CFR, false, "page cache"},
	{FACTS(IN_MEMORY, UNTRIED, AUTO, 0, IO), ENGINE_CFR, false, "no direct I/O"},

	{FACTS(DIRECT, CAN_NOT, NEVER, 0, IO), ENGINE_BUFFERED, false, "direct=never"},
	{FACTS(NO_DIRECT, CAN_NOT, AUTO, 0, IO), ENGINE_BUFFERED, false, "has no direct I/O"},
	{FACTS(NO_DIRECT, CAN_NOT, ALWAYS, 0, IO), ENGINE_BUFFERED, false, "has no direct I/O"},
	{FACTS(IN_MEMORY, CAN_NOT, AUTO, 0, IO), ENGINE_BUFFERED, false, "in memory"},
	{FACTS(NOT_OURS, CAN_NOT, AUTO, 0, IO), ENGINE_BUFFERED, false, "opened anew"},
	{FACTS(REFUSED, CAN_NOT, AUTO, 0, IO), ENGINE_BUFFERED, false, "refused"},
	{FACTS(DIRECT, CAN_NOT, AUTO, SMALL, IO), ENGINE_BUFFERED, false, "too small"},
	{FACTS(DIRECT, CAN_NOT, AUTO, WARM, IO), ENGINE_BUFFERED, false, "page cache"},
	{FACTS(DIRECT, CAN_NOT, AUTO, WARM, MEMCPY), ENGINE_BUFFERED, false, "page cache"},

	{FACTS(DIRECT, CAN_NOT, AUTO, 0, MEMCPY), ENGINE_BOUNCE, true, "does not reach a dma-buf"},
	{FACTS(DIRECT, CAN_NOT, AUTO, 0, CALLS), ENGINE_BOUNCE, true, "can't be mapped"},
	{FACTS(DIRECT, CAN_NOT, AUTO, SHIFTED, IO), ENGINE_BOUNCE, true, "not aligned alike"},
	{FACTS(DIRECT, CAN_NOT, ALWAYS, SHIFTED, IO), ENGINE_BOUNCE, true, "not aligned alike"},
	{FACTS(DIRECT, CAN_NOT, AUTO, SCATTERED, IO), ENGINE_BOUNCE, true, "small pages"},
	{FACTS(DIRECT, CAN_NOT, ALWAYS, SCATTERED, IO), ENGINE_DIRECT, true, "own pages"},
};

#define EXAMPLES ((int)(sizeof(examples) / sizeof(examples[0])))

START_TEST(takes_the_engine)
{
	const struct example *example = &examples[_i];
	const struct plan_row *row = plan_row(&example->facts);

	ck_assert_str_eq(plan_engine_name(row->engine), plan_engine_name(example->engine));
	ck_assert_int_eq(row->engine, example->engine);
	ck_assert_int_eq(row->o_direct, example->o_direct);
	ck_assert_msg(strstr(row->reason, example->reason), "'%s' says nothing of '%s'",
		      row->reason, example->reason);
}
END_TEST

/* The table: the first row is for streams, and the last one matches everything. */
static const struct plan_row *first_row(void)
{
	const struct plan_facts facts = FACTS(STREAM, CAN_NOT, AUTO, 0, IO);

	return plan_row(&facts);
}

static size_t count_rows(void)
{
	const struct plan_facts facts = FACTS(DIRECT, CAN_NOT, ALWAYS, 0, IO);

	return (size_t)(plan_row(&facts) - first_row()) + 1;
}

START_TEST(no_row_without_an_example)
{
	const struct plan_row *table = first_row();
	const size_t rows = count_rows();
	bool *seen = calloc(rows, sizeof(*seen));

	ck_assert_uint_eq(rows, 18);
	for (int i = 0; i < EXAMPLES; i++)
		seen[plan_row(&examples[i].facts) - table] = true;
	for (size_t i = 0; i < rows; i++)
		ck_assert_msg(seen[i], "row %zu: %s", i, table[i].reason);
	free(seen);
}
END_TEST

/* Reports have room for it, and it is one line. */
START_TEST(reasons_are_short)
{
	const struct plan_row *table = first_row();

	for (size_t i = 0; i < count_rows(); i++) {
		/* " in part" may follow */
		ck_assert_uint_lt(strlen(table[i].reason) + 10,
				  sizeof(((struct copy_report *)0)->reason));
		ck_assert_ptr_null(strchr(table[i].reason, '\n'));
	}
}
END_TEST

/* Direct I/O is never planned for a file without it, nor if it was forbidden. */
START_TEST(all_facts_have_a_row)
{
	struct plan_facts facts;

	for (int i = 0; i < 6 * 2 * 3 * 16 * 3; i++) {
		int rest = i;

		facts.file = (enum plan_file)(rest % 6), rest /= 6;
		facts.kernel = (enum plan_kernel)(rest % 2), rest /= 2;
		facts.direct = (enum copy_direct)(rest % 3), rest /= 3;
		facts.access = (enum buffer_access)(rest % 3), rest /= 3;
		facts.small = rest & 1;
		facts.warm = rest & 2;
		facts.scattered = rest & 4;
		facts.congruent = rest & 8;
		const struct plan_row *row = plan_row(&facts);

		ck_assert(!row->o_direct || facts.file == FILE_DIRECT);
		ck_assert(!row->o_direct || facts.direct != COPY_DIRECT_NEVER);
		ck_assert(row->engine != ENGINE_CFR || facts.kernel == KERNEL_UNTRIED);
		ck_assert(row->engine != ENGINE_DIRECT || facts.access == BUFFER_ACCESS_IO);
		ck_assert(row->engine != ENGINE_DIRECT || facts.congruent);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tcase = tcase_create("table");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, takes_the_engine, 0, EXAMPLES);
	tcase_add_test(tcase, no_row_without_an_example);
	tcase_add_test(tcase, reasons_are_short);
	tcase_add_test(tcase, all_facts_have_a_row);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
