/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows that copy without a mount, with the figures of table.h. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include "bench.h"
#include "memory.h"
#include "move.h"

#include <stdbool.h>

struct raw {
	enum memory_kind kind;
	enum way way;
	bool direct;
	bool write;
	bool new_files; /* that are written: else their blocks are there already */
};

/* A row of a group's, by the members of struct raw in order. */
#define RAW_ROW(name, memory, ...)                                                        \
	{                                                                                 \
		name, NOWHERE, false, run_raw,                                            \
			&(const struct raw){.kind = memory, .way = __VA_ARGS__}, TURN_ANY \
	}

/* row->how is a struct raw. Settings give the number and size of the buffers. */
int run_raw(struct bench *bench, const struct row *row, double values[]);

/*
 * The limit: direct I/O between existing files and fio's memory, in the best of several
 * shapes. Of row->how only the direction counts. fio.c
 */
int run_limit(struct bench *bench, const struct row *row, double values[]);

/*
 * fio reads the files with direct I/O and discards the bytes, or writes new files. Of
 * row->how only the direction counts. fio.c
 */
int run_fio(struct bench *bench, const struct row *row, double values[]);

/* Opens the files of a set. close_files() closes them. */
struct set;

int open_files(struct bench *bench, const struct set *set, int flags, int **files);
void close_files(int *files, unsigned count);

/* The set that is written to, created if it does not exist. */
int set_of_targets(struct bench *bench, struct set *set);

#endif
