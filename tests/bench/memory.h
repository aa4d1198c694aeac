/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that files are copied to and from: so many buffers of one size. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct bench;

enum memory_kind {
	DMABUF,	 /* of a dma-heap */
	UDMABUF, /* the dma-buf that /dev/udmabuf makes of a memfd */
	MEMFD,
	UMFD, /* a memfd filled with pages, behind a udmabuf: copied to as a memfd */
};

struct memory {
	enum memory_kind kind;
	unsigned count;
	uint64_t size; /* bytes that matter */
	uint64_t room; /* the same in whole pages */
	int *fds;      /* files to copy to or from */
	int *behind;   /* the udmabufs of UMFD */
};

/*
 * Files, and a place behind each of them for its dma-buf. -errno or
 * UNABLE; memory_drop() is right in any case.
 */
int memory_make(struct bench *bench, enum memory_kind kind, unsigned count, uint64_t size,
		struct memory *memory);
void memory_drop(struct memory *memory);

/* "a dma-buf", and so on. */
const char *memory_name(enum memory_kind kind);

/*
 * Calls @visit with one mapped piece of a buffer after the other, until it does
 * not return 0. In between the CPU's caches are kept right. A piece is a whole
 * buffer of up to 64 MiB.
 */
struct piece {
	char *data;
	uint64_t position;
	uint64_t size; /* bytes in use */
};

int memory_visit(const struct memory *memory, unsigned number, bool write,
		 int (*visit)(const struct piece *piece, void *arg), void *arg);

/* The bytes of pattern.h; the owner of buffer N is @owner plus N. */
int memory_fill(const struct memory *memory, uint64_t owner);
int memory_check(struct bench *bench, const struct memory *memory, uint64_t owner);

#endif
