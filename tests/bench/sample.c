// SPDX-License-Identifier: GPL-2.0-or-later
#include "sample.h"

#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int compare(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

struct spread spread_of(const double *values, unsigned count)
{
	double sorted[MAX_RUNS];

	memcpy(sorted, values, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	return (struct spread){
		.median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2,
		.min = sorted[0],
		.max = sorted[count - 1],
	};
}

struct spread spread_of_ratio(const double *over, const double *under, unsigned count)
{
	double ratios[MAX_RUNS];

	for (unsigned i = 0; i < count; i++)
		ratios[i] = over[i] / under[i];
	return spread_of(ratios, count);
}

bool is_ratio(struct spread ratio)
{
	return isfinite(ratio.min) && isfinite(ratio.max) && ratio.max > 0;
}

static double read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

double now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

double cpu_used(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}
