/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <time.h>

/* Seconds from @then, a reading of CLOCK_MONOTONIC, until now. */
static inline double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

/* The time of @clock in @seconds, which are few. */
static inline struct timespec clock_in(clockid_t clock, double seconds)
{
	struct timespec time;

	clock_gettime(clock, &time);
	time.tv_nsec += (long)(seconds * 1e9);
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

#endif
