// SPDX-License-Identifier: GPL-2.0-or-later
#include "ratio.h"

#include "table.h"

static double total(const struct lane *lane, unsigned run)
{
	return lane->values[CREATE][run] + lane->values[IO][run];
}

static double sum(const double values[], unsigned count)
{
	double all = 0;

	for (unsigned i = 0; i < count; i++)
		all += values[i];
	return all;
}

/* Of all runs together: the clock may be too coarse for one. */
static struct spread cpu_percent(const struct settings *settings, const struct lane *one,
				 const struct lane *other, bool saved)
{
	const double percent = 100 * sum(one->values[CPU], settings->runs) /
			       sum(other->values[CPU], settings->runs);
	const double value = saved ? 100 - percent : percent;

	return (struct spread){value, value, value};
}

static struct spread speed(const struct settings *settings, const struct lane *one,
			   const struct lane *other, bool with_memory)
{
	double values[MAX_RUNS];

	for (unsigned run = 0; run < settings->runs; run++)
		values[run] = with_memory ? total(other, run) / total(one, run)
					  : other->values[IO][run] / one->values[IO][run];
	return spread_of(values, settings->runs);
}

bool ratio_is_speed(const struct ratio *ratio)
{
	return ratio->kind == RATIO_SPEED || ratio->kind == RATIO_TOTAL;
}

bool ratio_find(const struct settings *settings, const struct lanes *lanes,
		const struct ratio *ratio, struct spread *spread)
{
	const struct lane *one = find_lane(lanes, ratio->row);
	const struct lane *other = find_lane(lanes, ratio->against);

	if (!one || !other)
		return false;
	*spread = ratio_is_speed(ratio)
			  ? speed(settings, one, other, ratio->kind == RATIO_TOTAL)
			  : cpu_percent(settings, one, other, ratio->kind == RATIO_SAVED);
	return true;
}
