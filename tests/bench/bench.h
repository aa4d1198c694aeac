/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dmaheap-bench measures rivals side by side. A group is one experiment: a
 * list of figures, and rows, the rivals, which take turns in a new random order for
 * each run, so that other load hits all of them. Ratios are computed per run, then
 * condensed.
 *
 * A row is a name, a function, and its data. Functions return 0, -errno or
 * UNABLE and fill in one value per figure.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "places.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define MAX_FIGURES    12
#define MAX_ROWS       32 /* of a group */
#define MAX_YARDSTICKS 2
#define MAX_RUNS       99

/* The result of a row that this machine can't run; bench->why has the reason. */
#define UNABLE (-4096)

struct settings {
	const char *patterns; /* of --rows, parted by commas; NULL: the short set */
	uint64_t size;	      /* bytes of a large file; 0: as the group has it */
	unsigned count;	      /* files; 0: as the group has it */
	unsigned runs;
	uint64_t window;	/* of the memory that the limit goes round in */
	uint64_t seed;		/* of the order */
	const char *heap;	/* a dma-heap */
	const char *dir;	/* on a disk */
	const char *csv, *json; /* files, NULL: none */
	const char *svg;	/* a directory, or NULL */
	const char *plain;	/* a dmaheapfs without passthrough, or NULL */
};

struct bench {
	struct settings settings;
	char work[256];	 /* a directory of this run's own, below settings.dir */
	char files[320]; /* below that: the files of the running group */
	struct place places[PLACES];
	char why[256];	 /* the error, if a row knows better than strerror() */
	double cpu_copy; /* CPU seconds that copying a byte from memory to memory takes */
	uint64_t serial; /* of the last data written, so that no two are alike */
};

/* The place in the order of a run. */
enum turn { TURN_ANY, TURN_FIRST, TURN_LAST };

struct row {
	const char *name;
	enum place_id place;
	bool yardstick; /* the group's other rows are divided by it; it comes first */
	int (*run)(struct bench *bench, const struct row *row, double values[]);
	const void *how; /* for the function alone */
	enum turn turn;
};

struct figure {
	const char *name;
	const char *unit;
};

/* A sentence about two rows, made of their runs pair by pair. */
struct ratio {
	enum {
		RATIO_SPEED, /* how many times as fast the first is, in I/O */
		RATIO_TOTAL, /* the same, with the time that its memory took to make */
		RATIO_CPU,   /* its CPU time in percent of the second's */
		RATIO_SAVED, /* 100 minus that */
	} kind;
	const char *what;
	const char *row, *against;
	const char *claim; /* the published value, or NULL */
};

enum style {
	STYLE_LISTS, /* each figure a list of the rows */
	STYLE_TABLE, /* a line for each row: see table.h */
};

struct group {
	const char *name;
	const char *what; /* a line for people; %S and %N: size and count */
	bool by_default;
	enum style style;
	uint64_t size; /* unless the settings say so */
	unsigned count;
	/* A reason why it can't run here, or NULL. The callback may be NULL. */
	const char *(*unable)(const struct bench *bench);
	/* Once for each row, before the first run, in an empty place; may be NULL. */
	int (*prepare)(struct bench *bench, const struct row *row);
	struct figure figures[MAX_FIGURES + 1]; /* ends with a NULL name */
	struct row rows[MAX_ROWS + 1];
	const struct ratio *ratios; /* ends with a NULL name; or NULL */
};

/* All groups, in the order in which they run; ends with NULL. rows.c */
extern const struct group *const groups[];

/* Is the row, or the group if @row is NULL, among those asked for? rows.c */
bool is_wanted(const struct settings *settings, const struct group *group, const struct row *row);

/* The settings, with the group's size and count as defaults. rows.c */
struct settings settings_for(const struct settings *settings, const struct group *group);

/* Prints the description of the group with the settings' numbers. rows.c */
void print_what(FILE *out, const struct settings *settings, const struct group *group);

/* Puts the reason together, and returns UNABLE. run.c */
int unable(struct bench *bench, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs and prints the wanted groups. 0, or -errno if a row failed. run.c */
int run_all(struct bench *bench);

/*
 * Calls @work in a child with its own mounts and processes, which all end with it, even
 * if it is killed; then removes its files from disks. Returns the program's exit status.
 * supervise.c
 */
int supervise(struct bench *bench, int (*work)(struct bench *bench));

/* A directory and all below it, but nothing that is mounted there. supervise.c */
void remove_tree(const char *path);

#endif
