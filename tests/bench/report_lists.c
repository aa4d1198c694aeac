// SPDX-License-Identifier: GPL-2.0-or-later
/* Groups whose figures are lists of rows, beside up to two yardsticks. */
#include "report.h"
#include "sample.h"

#include <stdio.h>

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
	const struct spread ratio =
		spread_of_ratio(lane->values[figure], yardstick->values[figure], settings->runs);

	if (lane == yardstick)
		printf("  %9s %-19s", "1", "");
	else if (is_ratio(ratio))
		print_spread(ratio, "× ");
	else
		printf("  %9s %-19s", "-", "");
}

static void print_lane(const struct settings *settings, const struct yardsticks *yardsticks,
		       const struct lane *lane, unsigned figure)
{
	printf("    %-16s", lane->row->name);
	if (*lane->why) {
		print_why(lane);
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

void print_lists(const struct settings *settings, const struct group *group,
		 const struct lanes *lanes)
{
	const struct yardsticks yardsticks = find_yardsticks(lanes);

	for (unsigned i = 0; group->figures[i].name; i++) {
		print_heads(&yardsticks, &group->figures[i]);
		for (unsigned j = 0; j < lanes->count; j++)
			print_lane(settings, &yardsticks, &lanes->lane[j], i);
	}
}
