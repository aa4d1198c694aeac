/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs under the clock, files to feed them, and the kernel's caches. */
#ifndef BENCH_TOOLS_H
#define BENCH_TOOLS_H

#include "places.h"

#include <stdint.h>

struct usage {
	double seconds; /* from before the fork to after the wait */
	double cpu; /* of the program, and of the place's daemon meanwhile */
};

/*
 * Runs a program (found in PATH) with its output thrown away. @place is where
 * it works. -EIO if its status is not 0; it has then said why on stderr.
 */
int run_tool(const struct place *place, const char *const argv[], struct usage *usage);

/* A file of @size bytes that no filesystem can make smaller. */
int make_file(const char *path, uint64_t size);

/* The file's pages leave the page cache, after they are written back. */
int forget_pages(const char *path);

/* All pages of it are in the page cache. */
int load_pages(const char *path);

/* Names and inodes leave the kernel's caches, where they can. */
int drop_names(void);

/*
 * Touches as much memory as is about to be used and gives it back. Virtual
 * machines hand idle memory to their host; who touches it first pays.
 */
int warm_memory(uint64_t size);

/* A field of /proc/meminfo in bytes, 0 if there is none such. */
uint64_t memory_field(const char *name);

#endif
