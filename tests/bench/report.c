// SPDX-License-Identifier: GPL-2.0-or-later
#include "report.h"

#include "machine.h"
#include "sample.h"
#include "table.h"
#include "tools.h"

#include <stdio.h>
#include <string.h>

struct yardsticks find_yardsticks(const struct lanes *lanes)
{
	struct yardsticks found = {};

	for (unsigned i = 0; i < lanes->count && found.count < MAX_YARDSTICKS; i++)
		if (lanes->lane[i].row->yardstick && !*lanes->lane[i].why)
			found.lane[found.count++] = &lanes->lane[i];
	return found;
}

const struct lane *find_lane(const struct lanes *lanes, const char *name)
{
	for (unsigned i = 0; i < lanes->count; i++)
		if (!strcmp(lanes->lane[i].row->name, name))
			return *lanes->lane[i].why ? NULL : &lanes->lane[i];
	return NULL;
}

void print_why(const struct lane *lane)
{
	printf("  %s: %s\n", lane->failed ? "FAILED" : "skipped", lane->why);
}

const char *number(char text[static 16], double value)
{
	const double size = value < 0 ? -value : value;

	const int digits = size == 0	? 0
			   : size < 0.1 ? 4
			   : size < 1	? 3
			   : size < 10	? 2
			   : size < 100 ? 1
					: 0;

	snprintf(text, 16, "%.*f", digits, value);
	return text;
}

static void print_name(const struct settings *settings, const struct group *group)
{
	printf("\n%s: ", group->name);
	print_what(stdout, settings, group);
	putchar('\n');
}

static void print_settings(const struct bench *bench)
{
	const struct settings *settings = &bench->settings;

	printf("medians of %u runs (from … to); rows take turns, in an order drawn with --seed "
	       "%llu\n",
	       settings->runs, (unsigned long long)settings->seed);
	printf("cached: bytes by which the page cache grew, for each byte; copies: CPU time, where "
	       "1 is\n"
	       "what memcpy() takes for the same bytes, here %.3g ms for a MB; CPU time is\n"
	       "counted in steps of %.2g ms\n",
	       bench->cpu_copy * 1e9, cpu_step() * 1e3);
}

/* A share of all rows that are programs. */
static void print_start_of_programs(void)
{
	const char *const argv[] = {"cp", "--help", NULL};
	const struct place nowhere = {};
	struct usage usage = {};

	if (!run_tool(&nowhere, argv, &usage) && !run_tool(&nowhere, argv, &usage))
		printf("starting and ending a program such as cp takes %.3g ms\n",
		       usage.seconds * 1e3);
}

void report_start(const struct bench *bench)
{
	print_machine(bench);
	print_settings(bench);
	print_start_of_programs();
	fflush(stdout);
	if (bench->settings.csv)
		csv_start(&bench->settings);
	if (bench->settings.json)
		json_start(bench);
}

void report_skip(const struct settings *settings, const struct group *group, const char *reason)
{
	print_name(settings, group);
	printf("  skipped: %s\n", reason);
	if (settings->json)
		json_skip(group, reason);
}

int report_group(const struct settings *settings, const struct group *group,
		 const struct lanes *lanes)
{
	static void (*const print[])(const struct settings *settings, const struct group *group,
				     const struct lanes *lanes) = {
		[STYLE_LISTS] = print_lists,
		[STYLE_TABLE] = print_table,
		[STYLE_GROWTH] = print_growth,
	};
	int error = 0;

	print_name(settings, group);
	print[group->style](settings, group, lanes);
	fflush(stdout);
	if (settings->csv)
		error = csv_group(settings, group, lanes);
	if (settings->json)
		json_group(settings, group, lanes);
	if (settings->svg)
		error = error ?: svg_group(settings, group, lanes);
	return error;
}

int report_end(const struct settings *settings)
{
	return settings->json ? json_end(settings) : 0;
}
