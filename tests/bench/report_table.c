// SPDX-License-Identifier: GPL-2.0-or-later
/* Groups whose rows are lines, as in the tables of the patches' authors. */
#include "ratio.h"
#include "report.h"
#include "sample.h"
#include "table.h"

#include <stdio.h>

#define NAME "%26s" /* as wide as the longest */

static double median(const struct settings *settings, const struct lane *lane, unsigned figure)
{
	return spread_of(lane->values[figure], settings->runs).median;
}

static void print_head(const struct settings *settings, const struct group *group)
{
	char title[64];
	const double mb = settings->size / 0x1p20;

	snprintf(title, sizeof(title), "%ux%.4gMB %s %.4gMB", settings->count, mb, group->name,
		 settings->count * mb);
	printf("|" NAME
	       "|Creat-ms|Close-ms|  I/O-ms|I/O-MB/s| I/O%%|  CPU-ms|cached|copies| I/O-ms "
	       "from … to\n",
	       title);
	puts("|--------------------------|--------|--------|--------|--------|-----|--------|"
	     "------|------|-----------------");
}

/* What I/O% is of: the first row that there is. */
static const struct lane *find_base(const struct lanes *lanes)
{
	for (unsigned i = 0; i < lanes->count; i++)
		if (!*lanes->lane[i].why)
			return &lanes->lane[i];
	return NULL;
}

/* The page cache may have shrunk by a little: that is 0.00 and not -0.00. */
static double without_minus(double value)
{
	return value < 0 && value > -0.005 ? 0 : value;
}

static void print_line(const struct settings *settings, const struct lane *lane,
		       const struct lane *base)
{
	const struct spread io = spread_of(lane->values[IO], settings->runs);

	printf("|" NAME "|", lane->row->name);
	if (*lane->why) {
		print_why(lane);
		return;
	}
	printf("%8.0f|%8.0f|%8.0f|%8.0f|%4.0f%%|%8.0f|%6.2f|%6.2f| %.0f … %.0f\n",
	       median(settings, lane, CREATE), median(settings, lane, CLOSE), io.median,
	       median(settings, lane, SPEED), 100 * median(settings, base, IO) / io.median,
	       median(settings, lane, CPU), without_minus(median(settings, lane, CACHED)),
	       median(settings, lane, COPIES), io.min, io.max);
}

static void print_spread(const struct ratio *ratio, struct spread spread)
{
	if (ratio_is_speed(ratio))
		printf("%.2f (%.2f … %.2f) times as fast", spread.median, spread.min, spread.max);
	else
		printf("%.0f %%", spread.median);
}

/* What others claim is told in any case. */
static void print_ratio(const struct settings *settings, const struct lanes *lanes,
			const struct ratio *ratio)
{
	struct spread spread;
	const bool found = ratio_find(settings, lanes, ratio, &spread);

	if (!found && !ratio->claim)
		return;
	printf("%s: ", ratio->what);
	if (found)
		print_spread(ratio, spread);
	else
		fputs("not measured here", stdout);
	if (ratio->claim)
		printf("; theirs: %s", ratio->claim);
	putchar('\n');
}

void print_table(const struct settings *settings, const struct group *group,
		 const struct lanes *lanes)
{
	const struct lane *base = find_base(lanes);

	print_head(settings, group);
	for (unsigned i = 0; i < lanes->count; i++)
		print_line(settings, &lanes->lane[i], base);
	for (const struct ratio *ratio = group->ratios; ratio && ratio->what; ratio++)
		print_ratio(settings, lanes, ratio);
}
