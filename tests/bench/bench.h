/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dmaheap-bench measures rivals side by side. A group is one experiment: a
 * list of figures, and rows, the rivals, which take turns so that whatever
 * else the machine does strikes all of them. Ratios are made run by run, of a
 * row and its yardsticks, and only then condensed.
 *
 * A row is a name, a function, and what it needs. Functions return 0 or
 * -errno and fill in one value per figure; less is better.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "places.h"

#include <stdbool.h>
#include <stdint.h>

#define MAX_FIGURES    12
#define MAX_ROWS       16 /* of a group */
#define MAX_YARDSTICKS 2
#define MAX_RUNS       99

struct settings {
	const char *patterns; /* of --rows, parted by commas; NULL: the short set */
	uint64_t size; /* bytes of a large file */
	unsigned count; /* small files */
	unsigned runs;
	const char *dir; /* on a disk */
	const char *csv; /* NULL: none */
	const char *other; /* a second dmaheapfs, or NULL */
};

struct bench {
	struct settings settings;
	char work[256]; /* a directory of this run's own, below settings.dir */
	struct place places[PLACES];
};

struct row {
	const char *name;
	enum place_id place;
	bool yardstick; /* the group's other rows are divided by it; it comes first */
	int (*run)(struct bench *bench, const struct row *row, double values[]);
};

struct figure {
	const char *name;
	const char *unit;
};

struct group {
	const char *name;
	const char *what; /* a line for people; %S and %N: size and count */
	bool by_default;
	/* A reason why it can't run here, or NULL. The callback may be NULL. */
	const char *(*unable)(const struct bench *bench);
	/* Once for each row, before the first run, in an empty place; may be NULL. */
	int (*prepare)(struct bench *bench, const struct row *row);
	/* A newly mounted place for each run, so that nothing is left of the last. */
	bool fresh;
	struct figure figures[MAX_FIGURES + 1]; /* ends with a NULL name */
	struct row rows[MAX_ROWS + 1];
};

/* All groups, in the order in which they run; ends with NULL. rows.c */
extern const struct group *const groups[];

/* Is the row, or the group if @row is NULL, among those asked for? rows.c */
bool is_wanted(const struct settings *settings, const struct group *group, const struct row *row);

/* Prints group->what with the settings' numbers in it. rows.c */
void print_what(const struct settings *settings, const struct group *group);

/* Runs what is wanted and prints it. 0, or -errno when a row failed. run.c */
int run_all(struct bench *bench);

/*
 * Calls @work in a child with mounts and processes of its own, which all end
 * with it, however it ends; removes @dir afterwards. Returns the program's
 * exit status. supervise.c
 */
int supervise(struct bench *bench, int (*work)(struct bench *bench));

#endif
