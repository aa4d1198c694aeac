// SPDX-License-Identifier: GPL-2.0-or-later
#include "ratio.h"

#include "table.h"

static double total(const struct lane *lane, unsigned run)
{
	return lane->values[CREATE][run] + lane->values[IO][run];
}

static double quotient(const struct ratio *ratio, const struct lane *one, const struct lane *other,
		       unsigned run)
{
	const double cpu = 100 * one->values[CPU][run] / other->values[CPU][run];

	switch (ratio->kind) {
	case RATIO_SPEED:
		return other->values[IO][run] / one->values[IO][run];
	case RATIO_TOTAL:
		return total(other, run) / total(one, run);
	case RATIO_CPU:
		return cpu;
	case RATIO_SAVED:
		return 100 - cpu;
	}
	return 0;
}

bool ratio_find(const struct settings *settings, const struct lanes *lanes,
		const struct ratio *ratio, struct spread *spread)
{
	const struct lane *one = find_lane(lanes, ratio->row);
	const struct lane *other = find_lane(lanes, ratio->against);
	double values[MAX_RUNS];

	if (!one || !other)
		return false;
	for (unsigned run = 0; run < settings->runs; run++)
		values[run] = quotient(ratio, one, other, run);
	*spread = spread_of(values, settings->runs);
	return true;
}

const char *ratio_unit(const struct ratio *ratio)
{
	return ratio->kind == RATIO_SPEED || ratio->kind == RATIO_TOTAL ? "times as fast" : "%";
}
