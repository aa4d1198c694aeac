/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ordinary file of a copy, and its capabilities. */
#ifndef COPY_FILE_H
#define COPY_FILE_H

#include "copy/plan.h"

struct copy_file {
	int file;   /* the caller's, for I/O through the page cache */
	int direct; /* the same file opened here with O_DIRECT; -1: none */
	enum plan_file kind;
	uint64_t size;	       /* not of a stream */
	uint32_t offset_align; /* of positions and lengths in direct I/O */
	uint32_t memory_align; /* of addresses in direct I/O */
};

/* Inspects @file. It is not opened for direct I/O yet. */
void copy_file_init(struct copy_file *copy_file, int file, enum copy_direction direction);
void copy_file_finish(struct copy_file *copy_file);

/* Opens it for direct I/O. On failure kind tells the reason. */
void copy_file_open_direct(struct copy_file *copy_file);

/* At least half of the range is in the page cache. False on kernels that cannot tell. */
bool copy_file_is_warm(const struct copy_file *copy_file, off_t offset, uint64_t length);

#endif
