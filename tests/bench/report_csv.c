// SPDX-License-Identifier: GPL-2.0-or-later
#include "report.h"
#include "sample.h"
#include "util/scope.h"

#include <math.h>
#include <stdio.h>

#define HEAD "group,figure,unit,row,runs,median,min,max,yardstick,ratio,ratio_min,ratio_max\n"

/* @yardstick may be NULL. */
static void write_ratio(FILE *csv, const struct settings *settings, const struct lane *lane,
			const struct lane *yardstick, unsigned figure)
{
	struct spread ratio = {};

	if (yardstick)
		ratio = spread_of_ratio(lane->values[figure], yardstick->values[figure],
					settings->runs);
	fprintf(csv, "%s,", yardstick ? yardstick->row->name : "");
	if (is_ratio(ratio))
		fprintf(csv, "%g,%g,%g\n", ratio.median, ratio.min, ratio.max);
	else
		fputs(",,\n", csv);
}

static void write_lane(FILE *csv, const struct settings *settings, const struct group *group,
		       const struct lane *lane, const struct lane *yardstick, unsigned figure)
{
	const struct spread spread = spread_of(lane->values[figure], settings->runs);

	if (isnan(spread.median))
		return;
	fprintf(csv, "%s,\"%s\",%s,%s,%u,%g,%g,%g,", group->name, group->figures[figure].name,
		group->figures[figure].unit, lane->row->name, settings->runs, spread.median,
		spread.min, spread.max);
	write_ratio(csv, settings, lane, yardstick, figure);
}

static void write_lanes(FILE *csv, const struct settings *settings, const struct group *group,
			const struct lanes *lanes, unsigned figure)
{
	const struct yardsticks yardsticks = find_yardsticks(lanes);
	unsigned next = 0;

	do {
		const struct lane *yardstick =
			next < yardsticks.count ? yardsticks.lane[next] : NULL;

		for (unsigned i = 0; i < lanes->count; i++)
			if (!*lanes->lane[i].why)
				write_lane(csv, settings, group, &lanes->lane[i], yardstick,
					   figure);
	} while (++next < yardsticks.count);
}

int csv_group(const struct settings *settings, const struct group *group, const struct lanes *lanes)
{
	FILE *csv = fopen(settings->csv, "ae");

	if (!csv)
		return -errno;
	for (unsigned i = 0; group->figures[i].name; i++)
		write_lanes(csv, settings, group, lanes, i);
	return fclose(csv) ? -errno : 0;
}

void csv_start(const struct settings *settings)
{
	FILE *csv = fopen(settings->csv, "we");

	if (!csv)
		return;
	fputs(HEAD, csv);
	fclose(csv);
}
