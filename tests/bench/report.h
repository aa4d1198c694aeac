/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was measured: for people on stdout, and as files for machines. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench.h"

/* A row and what its runs gave. */
struct lane {
	const struct row *row;
	char why[320]; /* why it has no values, or empty */
	bool failed;   /* it should have worked */
	double values[MAX_FIGURES][MAX_RUNS];
};

struct lanes {
	unsigned count;
	struct lane lane[MAX_ROWS];
};

/* What machine this is; begins the files. */
void report_start(const struct bench *bench);

void report_skip(const struct settings *settings, const struct group *group, const char *reason);

/* 0, or -errno when a file could not be written. */
int report_group(const struct settings *settings, const struct group *group,
		 const struct lanes *lanes);
int report_end(const struct settings *settings);

/* --- its parts, each in a file of its own: report_*.c --------------------------- */

/* The group's yardsticks that have values. */
struct yardsticks {
	unsigned count;
	const struct lane *lane[MAX_YARDSTICKS];
};

struct yardsticks find_yardsticks(const struct lanes *lanes);

/* The lane of that name, if it has values, or NULL. */
const struct lane *find_lane(const struct lanes *lanes, const char *name);

/* "skipped: ..." or "FAILED: ..." of a lane without values. */
void print_why(const struct lane *lane);

/* Three digits that count, be it microseconds or megabytes. */
const char *number(char text[static 16], double value);

void print_lists(const struct settings *settings, const struct group *group,
		 const struct lanes *lanes);
void print_table(const struct settings *settings, const struct group *group,
		 const struct lanes *lanes);
void print_growth(const struct settings *settings, const struct group *group,
		  const struct lanes *lanes);

void csv_start(const struct settings *settings);
int csv_group(const struct settings *settings, const struct group *group,
	      const struct lanes *lanes);

void json_start(const struct bench *bench);
void json_skip(const struct group *group, const char *reason);
void json_group(const struct settings *settings, const struct group *group,
		const struct lanes *lanes);
int json_end(const struct settings *settings);

/* A drawing of the group in the directory settings->svg. */
int svg_group(const struct settings *settings, const struct group *group,
	      const struct lanes *lanes);

#endif
