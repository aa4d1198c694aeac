// SPDX-License-Identifier: GPL-2.0-or-later
/* Groups whose figures are steps: one line for each row. */
#include "report.h"
#include "sample.h"

#include <math.h>
#include <stdio.h>

static void print_head(const struct group *group)
{
	printf("|%18s|", group->figures[0].unit);
	for (const struct figure *figure = group->figures; figure->name; figure++)
		printf("%22s|", figure->name);
	putchar('\n');
}

static void print_cell(const struct settings *settings, const struct lane *lane, unsigned figure)
{
	const struct spread spread = spread_of(lane->values[figure], settings->runs);
	char median[16], min[16], max[16], cell[64];

	snprintf(cell, sizeof(cell), "%s (%s … %s)", number(median, spread.median),
		 number(min, spread.min), number(max, spread.max));
	/* The ellipsis takes three bytes and one column. */
	if (isnan(spread.median))
		printf("%22s|", "-");
	else
		printf("%24s|", cell);
}

void print_growth(const struct settings *settings, const struct group *group,
		  const struct lanes *lanes)
{
	print_head(group);
	for (unsigned i = 0; i < lanes->count; i++) {
		const struct lane *lane = &lanes->lane[i];

		printf("|%18s|", lane->row->name);
		if (*lane->why) {
			print_why(lane);
			continue;
		}
		for (unsigned j = 0; group->figures[j].name; j++)
			print_cell(settings, lane, j);
		putchar('\n');
	}
}
