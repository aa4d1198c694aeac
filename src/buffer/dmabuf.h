/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dma-buf, or the exported memfd below one: memory of a fixed size.
 *
 * Everything returns 0 or -errno. Sizes and offsets are bytes.
 */
#ifndef BUFFER_DMABUF_H
#define BUFFER_DMABUF_H

#include "buffer/heap.h"

#include <stdatomic.h>
#include <sys/types.h>

struct buffer;

struct dmabuf {
	int fd;		     /* the dma-buf; -1: none (yet) */
	int file;	     /* the fd to map: the dma-buf, or the memfd below it; -1: no memory */
	bool takes_io;	     /* the kernel implements read(2) and write(2) on the dma-buf */
	size_t capacity;     /* a multiple of the page size */
	_Atomic(char *) map; /* NULL until it is needed */
};

#define NO_DMABUF ((struct dmabuf){.fd = -1, .file = -1})

/* Allocates @capacity bytes of zeroes, not 0. -ENOSPC if the heap is exhausted. */
int dmabuf_alloc(struct dmabuf *dmabuf, struct heap *heap, size_t capacity);

/* Sets the fd to a dma-buf of @heap, or to an imported one. */
void dmabuf_set_fd(struct dmabuf *dmabuf, struct heap *heap, int fd);

/* Maps the memory if it is not mapped yet. Safe from several threads at once. */
int dmabuf_map(struct dmabuf *dmabuf, char **map);
void dmabuf_unmap(struct dmabuf *dmabuf);

/* Takes tenths of a second a GiB: do not call it with a lock held. */
void dmabuf_free(struct dmabuf *dmabuf);

/* Moves the memory from @from, which has none afterwards. */
void dmabuf_move(struct dmabuf *to, struct dmabuf *from);

/* Returns whether @fd is a dma-buf. Works for any fd and never blocks. */
bool fd_is_dmabuf(int fd);

/* For struct heap_ops of every heap that allocates real dma-bufs. */
bool dmabuf_is_held(struct heap *heap, int fd);
bool dmabuf_takes_io(struct heap *heap, int fd);
int dmabuf_wait_idle(struct heap *heap, int fd, bool write);
int dmabuf_sync(struct heap *heap, int fd, uint64_t flags);

/*
 * I/O on the dma-buf of @buffer. If the kernel implements read(2)
 * and write(2) on it, these are used: a mapping costs a page table entry for each
 * page, and the kernel maintains the caches itself. Otherwise the memory is mapped
 * and accessed between DMA_BUF_SYNC_START and _END.
 *
 * Ranges lie within the capacity. -EBUSY if a device keeps using the memory.
 */
int dmabuf_get(struct buffer *buffer, void *data, size_t size, off_t offset);

/*
 * *@moved is the number of bytes written. It is @size even after an error that
 * means only that devices may not see them.
 */
int dmabuf_put(struct buffer *buffer, const void *data, size_t size, off_t offset, size_t *moved);

/*
 * Has the kernel zero what no copy has filled, so that the dma-buf may be passed on.
 * -EBUSY if a copy keeps filling it for too long.
 */
int dmabuf_fill_rest(const struct dmabuf *dmabuf);

/* Zeroes [begin, end), as far as there is memory. */
int dmabuf_zero(struct buffer *buffer, uint64_t begin, uint64_t end);

/* Copies the first @size bytes to @fresh, which no other thread knows yet. */
int dmabuf_copy_to(struct buffer *buffer, struct dmabuf *fresh, size_t size);

#endif
