/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in the files that are copied: noise that no filesystem can make
 * smaller, and in each page whose it is and which, so that a page of another
 * file, of another run or from another place is told from the right one.
 */
#ifndef BENCH_PATTERN_H
#define BENCH_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define PATTERN_PAGE 4096u
#define PATTERN_SAME UINT64_MAX

/* @owner is any number; @position is that in the file, a multiple of PATTERN_PAGE. */
void pattern_fill(void *memory, uint64_t owner, uint64_t position, size_t length);

/* The position of the first wrong byte, at worst of its page; or PATTERN_SAME. */
uint64_t pattern_check(const void *memory, uint64_t owner, uint64_t position, size_t length);

/* A number out of a row that looks like chance, and is the same for the same state; not 0. */
uint64_t draw(uint64_t *state);

#endif
