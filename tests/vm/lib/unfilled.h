/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A buffer made with DMA_HEAP_FLAG_UNFILLED is not zeroed, but for the part that a look at
 * it shows and no copy has filled. No access may show old bytes, and no copied byte may be
 * lost. The memory is filled with dirt before, to make old bytes visible. Shared by the
 * unfilled… cases.
 */
#ifndef UNFILLED_H
#define UNFILLED_H

#include "vm.h"

#include <stddef.h>
#include <sys/types.h>

#define PAGE   4096ul
#define MAX    (36 * MIB)
#define MEDIUM (12 * MIB)
#define SMALL  (3 * MIB + 3 * PAGE)

/*
 * What the source holds, what the buffer has to, and what was seen of it: MAX
 * bytes each. Children have them, too, and a fork need not copy their pages.
 */
extern char *content, *want, *have;

/* Make the content, and memory of that kind ("system", "cma") dirty. */
void prepare(const char *kind);
int make_source(int flags);
/* One whose content, want, is zeros. */
int unfilled_buffer(const char *kind, size_t size);
/* Copy the content to its place in the file, and to want. */
void copy_in(int file, int buffer, off_t pos, size_t len);
/* Zero what is not filled, by DMA_BUF_IOCTL_SYNC, so that a device may have the buffer. */
void settle(int buffer);
/* Give a buffer back full of dirt, for the next one to be made of. */
void discard(int buffer, size_t size);

/* The ways to look at a buffer: each sets have to the bytes found. */
struct view {
	const char *name;
	void (*look)(int buffer, size_t size);
};

#define NR_VIEWS 7
/* The first is by mmap. */
extern const struct view views[NR_VIEWS];
void by_read(int buffer, size_t size);
/* One after the other: how a buffer was filled can't matter to them. */
const struct view *next_view(void);

/* End the test unless the buffer is as want, ... */
void expect_all(const struct view *view, int buffer, size_t size);
/* ... or, after a partial copy, every nonzero byte is content. */
void expect_nothing_else(int buffer, size_t size);

#endif
