/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways from a file into memory and back. */
#ifndef BENCH_MOVE_H
#define BENCH_MOVE_H

#include "memory.h"

enum way {
	BY_MAP, /* read() or write() between the file and a mapping */
	BY_SENDFILE,
	BY_SPLICE, /* by way of a pipe as large as anyone may have */
	BY_COPY,   /* copy_file_range() */
};

struct bench;

/*
 * All of buffer @number from @file, or to it if @write. -errno; UNABLE if the
 * kernel does not support it for this memory.
 */
int move(struct bench *bench, enum way way, const struct memory *memory, unsigned number, int file,
	 bool write);

#endif
