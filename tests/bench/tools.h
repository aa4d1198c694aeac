/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs under the clock, files to feed them, and the kernel's caches. */
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
	const char *const *argv; /* ends with NULL; the program is looked for in PATH */
	const char *output;	 /* a file to make; NULL: it is thrown away */
};

/*
 * Runs programs, all at a time. @place is where they work. -EIO if a status is
 * not 0; the program has then said why on stderr.
 */
int run_tools(const struct place *place, const struct job jobs[], unsigned count,
	      struct usage *usage);
int run_tool(const struct place *place, const char *const argv[], struct usage *usage);

/* Is there a program of that name in PATH? */
bool has_tool(const char *name);

/* The file's pages leave the page cache, after they are written back. */
int forget_pages(const char *path);

/* All pages of it are in the page cache. */
int load_pages(const char *path);

/* Names and inodes leave the kernel's caches, where they can. */
int drop_names(void);

/* So does everything else, after what was written is on the disk. */
int drop_caches(void);

/* All but a program: what starting it takes is not what is to be measured. */
int drop_caches_but(const char *program);

/*
 * Touches as much memory as is about to be used and gives it back. Virtual
 * machines hand idle memory to their host; who touches it first pays.
 */
int warm_memory(uint64_t size);

/*
 * The same for up to @size bytes, as far as there is room, without a mapping:
 * User Mode Linux can't have large ones.
 */
int touch_memory(uint64_t size);

/* A field of /proc/meminfo in bytes, 0 if there is none such. */
uint64_t memory_field(const char *name);

#endif
