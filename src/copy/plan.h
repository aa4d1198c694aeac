/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the bytes of a copy travel. One table decides, from facts that were
 * gathered before; it looks at nothing itself.
 */
#ifndef COPY_PLAN_H
#define COPY_PLAN_H

#include "copy/copy.h"

enum copy_engine {
	ENGINE_KERNEL,	 /* copy_file_range(2) between file and dma-buf */
	ENGINE_DIRECT,	 /* direct I/O, right into or out of the pages */
	ENGINE_BOUNCE,	 /* direct I/O with memory of our own, and one memcpy */
	ENGINE_BUFFERED, /* by way of the page cache, right into or out of the pages */
	ENGINE_STREAM,	 /* the same, in order, for what has no size or position */
	ENGINE_NONE,	 /* they do not: the copy fails with -EBUSY */
};

/* Whether the ordinary file can do direct I/O. */
enum plan_file {
	FILE_DIRECT,	/* it can */
	FILE_NO_DIRECT, /* its filesystem does not do it */
	FILE_IN_MEMORY, /* its filesystem is memory */
	FILE_NOT_OURS,	/* this process may not open it anew */
	FILE_REFUSED,	/* it said it could, and then refused */
	FILE_STREAM,	/* it has no size or no position: a pipe, a file in /proc */
};

/* Whether the kernel moves the bytes by itself. */
enum plan_kernel {
	KERNEL_UNTRIED,
	KERNEL_CAN_NOT,
	KERNEL_BUSY,	/* it could, but a device uses the memory now */
	KERNEL_REFUSES, /* the same, and busy=fail: nobody else is to copy */
};

struct plan_facts {
	enum plan_file file;
	enum plan_kernel kernel;
	enum copy_direct direct;
	bool small;	/* not worth a second open */
	bool warm;	/* most of it is in the page cache */
	bool scattered; /* the memory has small pages, each a thing of its own to find */
	bool congruent; /* aligned in the file is aligned in the memory */
	enum copy_reach reach;
};

struct plan_row {
	/* -1: does not matter */
	int file, kernel, direct, small, warm, scattered, congruent, reach;
	enum copy_engine engine;
	bool o_direct; /* the ordinary file is opened for direct I/O */
	const char *reason;
};

/* The row for @facts; never NULL. */
const struct plan_row *plan_row(const struct plan_facts *facts);

/* The whole table, for tests; its last row matches everything. */
const struct plan_row *plan_table(size_t *rows);

/* As reports name it. */
const char *plan_engine_name(enum copy_engine engine);

#endif
