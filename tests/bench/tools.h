/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timed programs, and the kernel's caches. */
#ifndef BENCH_TOOLS_H
#define BENCH_TOOLS_H

#include "places.h"

#include <stdbool.h>
#include <stdint.h>

struct usage {
	double seconds; /* from before the fork to after the wait */
	double cpu;	/* of the program, and of the place's daemon meanwhile */
};

struct job {
	const char *const *argv; /* ends with NULL; the program is searched in PATH */
	const char *output;	 /* a file to create; NULL: it is discarded */
};

/*
 * Runs a program, and counts the CPU time of @place's daemon with its own. -EIO if the exit
 * status is not 0; the program has then printed the reason.
 */
int run_tool(const struct place *place, const struct job *job, struct usage *usage);

/* There is a program of that name in PATH. */
bool has_tool(const char *name);

/* Writes the file's pages back and removes them from the page cache. */
int forget_pages(const char *path);

/* Empties the page cache and the caches of names, after all is on the disk. */
int drop_caches(void);

/* The same, but @program is in the cache: its start is not to be measured. */
int drop_caches_but(const char *program);

/*
 * Touches up to @size bytes, as far as there is room, and gives them back. A virtual machine
 * gets its memory from the host at the first touch.
 */
int touch_memory(uint64_t size);

/* A field of /proc/meminfo in bytes; 0: there is none. */
uint64_t memory_field(const char *name);

#endif
