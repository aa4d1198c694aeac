/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that a row copies from or to: DIR/0, DIR/1 and so on, all of one size.
 * File N has the bytes of pattern.h whose owner is the set's plus N.
 *
 * Everything returns 0 or -errno; wrong bytes are -EBADMSG, and
 * bench->why says which.
 */
#ifndef BENCH_SET_H
#define BENCH_SET_H

#include <stdint.h>

#define SET_PATH 512

struct bench;

struct set {
	char dir[SET_PATH - 16];
	unsigned count;
	uint64_t size;
	uint64_t owner;
};

void set_path(const struct set *set, unsigned number, char path[static SET_PATH]);

/* Makes the directory and the files, on the disk and not in the page cache. */
int set_make(const struct set *set);

/* Files to copy from, below @dir: made by the first call with that count and size. */
void set_sources_dir(struct set *set, const char *dir); /* its directory, by count and size */
int set_of_sources(struct set *set, const char *dir, unsigned count, uint64_t size);

int set_check(struct bench *bench, const struct set *set);

/* The files alone; those that are not there are no error. */
int set_remove(const struct set *set);

#endif
