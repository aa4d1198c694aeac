/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was measured, as a table for people on stdout and as CSV. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench.h"

/* A row and what its runs gave. */
struct lane {
	const struct row *row;
	char why[320]; /* why it has no values, or empty */
	bool failed; /* it should have worked */
	double values[MAX_FIGURES][MAX_RUNS];
};

struct lanes {
	unsigned count;
	struct lane lane[MAX_ROWS];
};

/* What machine this is; begins the CSV file. */
void report_start(const struct settings *settings);

void report_skip(const struct settings *settings, const struct group *group, const char *reason);

/* 0, or -errno when the CSV file could not be written. */
int report_group(const struct settings *settings, const struct group *group,
		 const struct lanes *lanes);

#endif
