// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* of each a file: rows_read.c and so on */
extern const struct group group_read, group_write, group_udmabuf;
/* rows_in.c and rows_out.c */
extern const struct group group_in_dma_heap, group_in_udmabuf, group_in_shmem;
extern const struct group group_out_dma_heap, group_out_udmabuf, group_out_shmem;
extern const struct group group_small;

const struct group *const groups[] = {
	&group_read,
	&group_write,
	&group_udmabuf,
	&group_in_dma_heap,
	&group_in_udmabuf,
	&group_in_shmem,
	&group_out_dma_heap,
	&group_out_udmabuf,
	&group_out_shmem,
	&group_small,
	NULL,
};

/* A pattern names a group and all its rows, or GROUP/ROW. */
static bool matches(const char *pattern, const struct group *group, const struct row *row)
{
	char name[64];

	if (!fnmatch(pattern, group->name, 0))
		return true;
	snprintf(name, sizeof(name), "%s/%s", group->name, row->name);
	return !fnmatch(pattern, name, 0);
}

static bool matches_any(const char *patterns, const struct group *group, const struct row *row)
{
	while (*patterns) {
		const int length = (int)strcspn(patterns, ",");
		char pattern[64];

		snprintf(pattern, sizeof(pattern), "%.*s", length, patterns);
		if (matches(pattern, group, row))
			return true;
		patterns += length + !!patterns[length];
	}
	return false;
}

bool is_wanted(const struct settings *settings, const struct group *group, const struct row *row)
{
	if (!settings->patterns)
		return group->by_default;
	if (row)
		return matches_any(settings->patterns, group, row);
	for (row = group->rows; row->name; row++)
		if (matches_any(settings->patterns, group, row))
			return true;
	return false;
}

struct settings settings_for(const struct settings *settings, const struct group *group)
{
	struct settings found = *settings;

	found.size = settings->size ?: group->size;
	found.count = settings->count ?: group->count;
	return found;
}

void print_what(FILE *out, const struct settings *settings, const struct group *group)
{
	for (const char *at = group->what; *at; at++) {
		if (at[0] != '%')
			fputc(*at, out);
		else if (*++at != 'S')
			fprintf(out, "%u", settings->count);
		else if (settings->size % (1 << 20))
			fprintf(out, "%llu KiB", (unsigned long long)settings->size >> 10);
		else
			fprintf(out, "%llu MiB", (unsigned long long)settings->size >> 20);
	}
}
