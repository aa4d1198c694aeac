// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/number.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int parse_digits(const char *text, int base, uint64_t *number, char **end)
{
	/* strtoull() accepts a sign and leading spaces. */
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, end, base);
	return errno ? -EINVAL : 0;
}

/* As for truncate(1): k and KiB are 1024, KB is 1000. */
static int scale(const char *suffix, uint64_t *unit)
{
	static const char letters[] = "kmgt";
	const char *at = strchr(letters, *suffix | 0x20);
	uint64_t base = 1024;

	*unit = 1;
	if (!*suffix)
		return 0;
	if (!at)
		return -EINVAL;
	suffix++;
	if (!strcasecmp(suffix, "B"))
		base = 1000;
	else if (*suffix && strcasecmp(suffix, "iB"))
		return -EINVAL;
	for (const char *letter = letters; letter <= at; letter++)
		*unit *= base;
	return 0;
}

/* Digits behind a point, as millionths; further ones do not count. */
static uint64_t parse_fraction(char **text)
{
	uint64_t millionths = 0, place = 1000000;

	for (; **text >= '0' && **text <= '9'; ++*text) {
		place /= 10;
		millionths += place * (uint64_t)(**text - '0');
	}
	return millionths;
}

static uint64_t memory_bytes(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

int parse_size(const char *text, uint64_t *size)
{
	uint64_t number, unit, millionths = 0;
	char *end;

	if (parse_digits(text, 10, &number, &end))
		return -EINVAL;
	if (*end == '.' && end[1] >= '0' && end[1] <= '9') {
		end++;
		millionths = parse_fraction(&end);
		if (!*end || *end == '%')
			return -EINVAL;
	}
	if (!strcmp(end, "%")) {
		/* Dividing first loses a little accuracy but cannot overflow. */
		if (number > 1000)
			return -EINVAL;
		number = memory_bytes() / 100 * number;
	} else if (scale(end, &unit) || __builtin_mul_overflow(number, unit, &number) ||
		   __builtin_add_overflow(number, unit * millionths / 1000000, &number)) {
		return -EINVAL;
	}
	if (number == 0 || number > INT64_MAX)
		return -EINVAL;
	*size = number;
	return 0;
}

int parse_octal(const char *text, uint64_t *number)
{
	uint64_t parsed;
	char *end;

	if (parse_digits(text, 8, &parsed, &end) || *end)
		return -EINVAL;
	*number = parsed;
	return 0;
}

int parse_id(const char *text, uid_t *id)
{
	uint64_t number;
	char *end;

	if (parse_digits(text, 10, &number, &end) || *end || number >= UINT32_MAX)
		return -EINVAL;
	*id = number;
	return 0;
}

int parse_whole(const char *text)
{
	uint64_t number;
	char *end;

	return parse_digits(text, 10, &number, &end) || *end || number > INT_MAX ? -1 : (int)number;
}
