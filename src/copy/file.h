/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a copy that is an ordinary file: what it is, and can. */
#ifndef COPY_FILE_H
#define COPY_FILE_H

#include "copy/plan.h"

struct copy_file {
	int file;   /* the caller's, by way of the page cache */
	int direct; /* the same file with O_DIRECT, ours; -1: none */
	enum plan_file kind;
	uint64_t size;	       /* not of a stream */
	uint32_t offset_align; /* what direct I/O wants of positions and lengths … */
	uint32_t memory_align; /* … and of addresses */
};

/* Finds out about @file. Only what is needed is opened: see copy_file_open_direct(). */
void copy_file_init(struct copy_file *copy_file, int file, enum copy_direction direction);
void copy_file_finish(struct copy_file *copy_file);

/* Opens it for direct I/O, or sets kind to what was in the way. */
void copy_file_open_direct(struct copy_file *copy_file);

/* Whether at least half of the range is in the page cache; where the kernel can't say, it is not.
 */
bool copy_file_is_warm(const struct copy_file *copy_file, off_t offset, uint64_t length);

#endif
