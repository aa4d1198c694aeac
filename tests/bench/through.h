/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows that copy with the programs that people use, with the figures of table.h. */
#ifndef BENCH_THROUGH_H
#define BENCH_THROUGH_H

#include "bench.h"

struct through {
	/*
	 * A command line, which ends with NULL. In an argument < is the path of a
	 * file to copy from and > of that to copy to; << alone is all paths that
	 * are copied from, >> alone the directory to copy to.
	 */
	const char *argv[9];
	bool each;    /* a process for each file */
	bool output;  /* it writes to its standard output */
	bool view;    /* it copies from the mount's view of the source */
	bool nowhere; /* it drops the data */
};

/* A row of a group's, by the members of struct through after argv. */
#define TOOL_ROW(name, place, run, ...)                                                         \
	{                                                                                       \
		name, place, false, run, &(const struct through){.argv = __VA_ARGS__}, TURN_ANY \
	}

#define CP_ALL                   \
	{                        \
		"cp", "<<", ">>" \
	}
#define DD_ONE {"dd", "if=<", "of=>", "bs=1M", "status=none"}, .each = true

/* row->how is a struct through. From the disk into the row's place, and back. */
int run_in(struct bench *bench, const struct row *row, double values[]);
int run_out(struct bench *bench, const struct row *row, double values[]);

/* group->prepare of the way back. */
int prepare_out(struct bench *bench, const struct row *row);

#endif
