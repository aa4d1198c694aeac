/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The choice of an engine for a copy. One table decides, from facts gathered
 * before; it looks at nothing itself.
 */
#ifndef COPY_PLAN_H
#define COPY_PLAN_H

#include "buffer/window.h"
#include "copy/copy.h"

#include <stddef.h>

enum copy_engine {
	ENGINE_CFR,	 /* copy_file_range(2) between the file and the memory */
	ENGINE_DIRECT,	 /* direct I/O into or out of the memory's pages */
	ENGINE_BOUNCE,	 /* direct I/O with a bounce buffer, and one memcpy */
	ENGINE_BUFFERED, /* through the page cache, into or out of the memory's pages */
	ENGINE_STREAM,	 /* the same in order, for files without size or position */
};

/* Direct I/O on the ordinary file. */
enum plan_file {
	FILE_DIRECT,	/* possible */
	FILE_NO_DIRECT, /* its filesystem has none */
	FILE_IN_MEMORY, /* its filesystem is in memory */
	FILE_NOT_OURS,	/* this process may not open it again */
	FILE_REFUSED,	/* it could be opened, but I/O failed */
	FILE_STREAM,	/* it has no size or position: a pipe, a file in /proc */
};

/* copy_file_range(2) by the kernel. */
enum plan_kernel {
	KERNEL_UNTRIED,
	KERNEL_CAN_NOT,
};

struct plan_facts {
	enum plan_file file;
	enum plan_kernel kernel;
	enum copy_direct direct;
	bool small;	/* not worth opening the file again */
	bool warm;	/* most of the file is in the page cache */
	bool scattered; /* the memory has small pages, each of which costs a lookup */
	bool congruent; /* aligned in the file means aligned in the memory */
	enum buffer_access access;
};

struct plan_row {
	/* -1: any */
	int file, kernel, direct, small, warm, scattered, congruent, access;
	enum copy_engine engine;
	bool o_direct; /* the ordinary file is opened for direct I/O */
	const char *reason;
};

/* Returns the row for @facts, never NULL. */
const struct plan_row *plan_row(const struct plan_facts *facts);

/* The name of an engine in reports. */
const char *plan_engine_name(enum copy_engine engine);

#endif
