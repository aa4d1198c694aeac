// SPDX-License-Identifier: GPL-2.0-or-later
#include "report.h"

#include "sample.h"
#include "util/scope.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define CSV_HEAD "group,figure,unit,row,runs,median,min,max,yardstick,ratio,ratio_min,ratio_max\n"

struct yardsticks {
	unsigned count;
	const struct lane *lane[MAX_YARDSTICKS];
};

static struct yardsticks find_yardsticks(const struct lanes *lanes)
{
	struct yardsticks found = {};

	for (unsigned i = 0; i < lanes->count && found.count < MAX_YARDSTICKS; i++)
		if (lanes->lane[i].row->yardstick && !*lanes->lane[i].why)
			found.lane[found.count++] = &lanes->lane[i];
	return found;
}

/* Three digits that count, be it microseconds or megabytes. */
static const char *number(char text[static 16], double value)
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

/* Nothing is so many times as much as nothing. */
static bool has_ratio(struct spread ratio)
{
	return isfinite(ratio.min) && isfinite(ratio.max) && ratio.max > 0;
}

static void print_spread(struct spread spread, const char *sign)
{
	char median[16], min[16], max[16], range[48];

	snprintf(range, sizeof(range), "(%s … %s)", number(min, spread.min),
		 number(max, spread.max));
	/* The ellipsis takes three bytes and one column. */
	printf("  %s%7s %-21s", sign, number(median, spread.median), range);
}

static void print_ratio(const struct settings *settings, const struct lane *lane,
			const struct lane *yardstick, unsigned figure)
{
	const struct spread ratio = spread_of_ratio(lane->values[figure], yardstick->values[figure],
						    settings->runs);

	if (lane == yardstick)
		printf("  %9s %-19s", "1", "");
	else if (has_ratio(ratio))
		print_spread(ratio, "× ");
	else
		printf("  %9s %-19s", "-", "");
}

static void print_lane(const struct settings *settings, const struct yardsticks *yardsticks,
		       const struct lane *lane, unsigned figure)
{
	printf("    %-16s", lane->row->name);
	if (*lane->why) {
		printf("  %s: %s\n", lane->failed ? "FAILED" : "skipped", lane->why);
		return;
	}
	print_spread(spread_of(lane->values[figure], settings->runs), "");
	for (unsigned i = 0; i < yardsticks->count; i++)
		print_ratio(settings, lane, yardsticks->lane[i], figure);
	putchar('\n');
}

static void print_heads(const struct yardsticks *yardsticks, const struct figure *figure)
{
	char head[64];

	snprintf(head, sizeof(head), "%s, %s", figure->name, figure->unit);
	printf("  %-46s", head);
	for (unsigned i = 0; i < yardsticks->count; i++) {
		snprintf(head, sizeof(head), "against %s", yardsticks->lane[i]->row->name);
		printf("    %-27s", head);
	}
	putchar('\n');
}

static void print_table(const struct settings *settings, const struct group *group,
			const struct lanes *lanes)
{
	const struct yardsticks yardsticks = find_yardsticks(lanes);

	printf("\n%s: ", group->name);
	print_what(settings, group);
	putchar('\n');
	for (unsigned i = 0; group->figures[i].name; i++) {
		print_heads(&yardsticks, &group->figures[i]);
		for (unsigned j = 0; j < lanes->count; j++)
			print_lane(settings, &yardsticks, &lanes->lane[j], i);
	}
	fflush(stdout);
}

static void write_lane(FILE *csv, const struct settings *settings, const struct group *group,
		       const struct lane *lane, const struct lane *yardstick, unsigned figure)
{
	const struct spread spread = spread_of(lane->values[figure], settings->runs);
	const struct spread ratio = spread_of_ratio(lane->values[figure], yardstick->values[figure],
						    settings->runs);

	fprintf(csv, "%s,\"%s\",%s,%s,%u,%g,%g,%g,%s,", group->name, group->figures[figure].name,
		group->figures[figure].unit, lane->row->name, settings->runs, spread.median,
		spread.min, spread.max, yardstick->row->name);
	if (has_ratio(ratio))
		fprintf(csv, "%g,%g,%g\n", ratio.median, ratio.min, ratio.max);
	else
		fputs(",,\n", csv);
}

static int write_csv(const struct settings *settings, const struct group *group,
		     const struct lanes *lanes)
{
	const struct yardsticks yardsticks = find_yardsticks(lanes);
	FILE *csv = fopen(settings->csv, "ae");

	if (!csv)
		return -errno;
	for (unsigned i = 0; group->figures[i].name; i++)
		for (unsigned j = 0; j < lanes->count; j++)
			for (unsigned k = 0; k < yardsticks.count && !*lanes->lane[j].why; k++)
				write_lane(csv, settings, group, &lanes->lane[j],
					   yardsticks.lane[k], i);
	return fclose(csv) ? -errno : 0;
}

static void print_machine(const struct settings *settings)
{
	struct utsname system;
	double load[3] = {};

	uname(&system);
	getloadavg(load, 3);
	printf("Linux %s, %ld processors, load %.1f; files on disk below %s\n", system.release,
	       sysconf(_SC_NPROCESSORS_ONLN), load[0], settings->dir);
	printf("medians of %u runs by turns (min … max); ratios are of pairs, less is better\n",
	       settings->runs);
}

void report_start(const struct settings *settings)
{
	FILE *csv = settings->csv ? fopen(settings->csv, "we") : NULL;

	print_machine(settings);
	if (csv) {
		fputs(CSV_HEAD, csv);
		fclose(csv);
	}
}

void report_skip(const struct settings *settings, const struct group *group, const char *reason)
{
	printf("\n%s: ", group->name);
	print_what(settings, group);
	printf("\n  skipped: %s\n", reason);
}

int report_group(const struct settings *settings, const struct group *group,
		 const struct lanes *lanes)
{
	print_table(settings, group, lanes);
	return settings->csv ? write_csv(settings, group, lanes) : 0;
}
