/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of a fixed size: the fd that holds it, and where the daemon sees it.
 */
#ifndef BUFFER_PAGES_H
#define BUFFER_PAGES_H

#include "buffer/heap.h"

#include <stdatomic.h>

struct pages {
	int dmabuf; /* -1: none (yet) */
	int file; /* what can be mapped: the dma-buf, or the memory file below it; -1: no memory */
	bool takes_io;	     /* the kernel reads and writes the dma-buf as it does files */
	size_t capacity;     /* a multiple of the page size */
	_Atomic(char *) map; /* NULL until somebody needs it */
};

/* No memory at all. */
void pages_init(struct pages *pages);

/* Exactly @capacity bytes, not 0, all of them zero. -ENOSPC when the heap is dry. */
int pages_alloc(struct pages *pages, struct heap *heap, size_t capacity);

/* A dma-buf of @heap, or brought to it, for the memory that is there. */
void pages_set_dmabuf(struct pages *pages, struct heap *heap, int dmabuf);

/*
 * Where the memory is, mapped now if it was not. Several threads may ask at
 * once, as long as none frees it.
 */
int pages_map(struct pages *pages, char **map);

/* Takes the map away, if there is one. */
void pages_unmap(struct pages *pages);

/* Takes tenths of a second a GiB: not for callers that hold locks. */
void pages_free(struct pages *pages);

/* Hands the memory over, and leaves none. */
void pages_move(struct pages *to, struct pages *from);

#endif
