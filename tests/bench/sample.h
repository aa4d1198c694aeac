/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What several runs come down to. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include <stdbool.h>

struct spread {
	double median, min, max;
};

/* Of @count values, at least one; @values stays as it is. */
struct spread spread_of(const double *values, unsigned count);

/* Of the quotients over[i] / under[i]: pairs of one run. */
struct spread spread_of_ratio(const double *over, const double *under, unsigned count);

/* Nothing is so many times as much as nothing. */
bool is_ratio(struct spread ratio);

/* Seconds of a clock that only goes forward. */
double now(void);

/* Seconds of CPU time that this process has had. */
double cpu_used(void);

#endif
