/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_MATH_H
#define UTIL_MATH_H

#include <stdint.h>
#include <unistd.h>

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static inline uint64_t page_round_down(uint64_t bytes)
{
	return bytes & ~(page_size() - 1);
}

static inline uint64_t page_round_up(uint64_t bytes)
{
	return page_round_down(bytes + page_size() - 1);
}

#endif
