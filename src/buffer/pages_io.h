/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes in and out of pages that a buffer has. Where the kernel reads and writes
 * a dma-buf as it does files, that is how: a map costs an entry for each page,
 * and the kernel keeps the caches right by itself. Elsewhere it is a map, and
 * CPU access to it.
 *
 * Ranges lie within the capacity. Returns 0 or -errno, -EBUSY when a device does
 * not let go of the memory in time.
 */
#ifndef BUFFER_PAGES_IO_H
#define BUFFER_PAGES_IO_H

#include "buffer/buffer.h"

int pages_get(struct buffer *buffer, void *data, size_t size, off_t offset);

/*
 * *@moved is how many of the bytes are there, all of them too where the error is
 * that devices may not see them.
 */
int pages_put(struct buffer *buffer, const void *data, size_t size, off_t offset, size_t *moved);

/* Makes [begin, end) zero, or what of it there is memory for. */
int pages_zero(struct buffer *buffer, uint64_t begin, uint64_t end);

/* The first @size bytes to @fresh, which nobody else knows yet. */
struct pages;
int pages_copy_to(struct buffer *buffer, struct pages *fresh, size_t size);

#endif
