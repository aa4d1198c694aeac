/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a copy that is memory, whoever's it is: a struct buffer here, or
 * a file of a mount that this process has open. Engines know it by these calls
 * alone.
 */
#ifndef COPY_MEMORY_END_H
#define COPY_MEMORY_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buffer;
struct copy_memory_ops;

struct copy_memory {
	const struct copy_memory_ops *ops;
	struct buffer *buffer;
	int file;
};

/* The buffer outlives the copy. */
struct copy_memory copy_memory_of_buffer(struct buffer *buffer);

/* @file is a file of a mount, open for what the copy does to it; it stays the caller's. */
struct copy_memory copy_memory_of_file(int file);

#endif
