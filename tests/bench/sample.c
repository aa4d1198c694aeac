// SPDX-License-Identifier: GPL-2.0-or-later
#include "sample.h"

#include <time.h>

static double read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

double now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

double cpu_used(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}
