/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The results, as JSON. report.py makes tables, CSV and charts of it. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench.h"

/* A row and the values of its runs. */
struct lane {
	const struct row *row;
	char why[320]; /* the reason why it has no values, or empty */
	bool failed;   /* it should have worked */
	double values[MAX_FIGURES][MAX_RUNS];
};

struct lanes {
	unsigned count;
	struct lane lane[MAX_ROWS];
};

void report_start(const struct bench *bench);
void report_skip(const struct settings *settings, const struct group *group, const char *reason);
void report_group(const struct settings *settings, const struct group *group,
		  const struct lanes *lanes);

/* Writes the JSON and runs report.py on it. 0 or -errno. */
int report_end(const struct bench *bench);

#endif
