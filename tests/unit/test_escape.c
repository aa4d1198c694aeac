// SPDX-License-Identifier: GPL-2.0-or-later
/* Text from others: printable UTF-8 stays, all else is escaped. */
#include "util/escape.h"

#include <check.h>
#include <stdlib.h>

static const struct {
	const char *text, *escaped;
} cases[] = {
	{"", ""},
	{"plain name.bin", "plain name.bin"},
	{"Größe 模型 🙂", "Größe 模型 🙂"},
	{"\x1b[31mred", "\\x1b[31mred"},
	{"a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd"},
	{"\x7f", "\\x7f"},
	{"\xff\xfe", "\\xff\\xfe"},
	{"\xc3", "\\xc3"},			      /* cut short */
	{"\xc3(", "\\xc3("},			      /* no continuation */
	{"\xc0\xaf", "\\xc0\\xaf"},		      /* too long for its character */
	{"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},	      /* the same */
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"},	      /* a surrogate */
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond Unicode */
	{"\xc2\x9b[31m", "\\xc2\\x9b[31m"},	      /* a control character of two bytes */
	{"\xf0\x9f", "\\xf0\\x9f"},
};

START_TEST(bytes_that_may_not_be_shown_are_escaped)
{
	char *escaped = escape_new(cases[_i].text);

	ck_assert_str_eq(escaped, cases[_i].escaped);
	free(escaped);
}
END_TEST

START_TEST(a_short_buffer_gets_whole_characters)
{
	static const char text[] = "ab\x1b€\xff";
	char escaped[32];

	for (size_t size = 1; size < sizeof(escaped); size++) {
		escape(escaped, size, text);
		ck_assert_uint_lt(strlen(escaped), size);
		ck_assert_int_eq(strncmp(escaped, "ab\\x1b€\\xff", strlen(escaped)), 0);
	}
	ck_assert_str_eq(escaped, "ab\\x1b€\\xff");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("escape");
	TCase *tcase = tcase_create("escape");

	tcase_add_loop_test(tcase, bytes_that_may_not_be_shown_are_escaped, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, a_short_buffer_gets_whole_characters);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
