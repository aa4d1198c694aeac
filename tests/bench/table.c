// SPDX-License-Identifier: GPL-2.0-or-later
#include "table.h"

#include "sample.h"
#include "tools.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COPIED (32u << 20) /* more than a CPU's caches hold */
#define TIMES  5u

/* Memory files count as cached, too, and are left out. */
static double page_cache(void)
{
	return (double)memory_field("Cached") + (double)memory_field("Buffers") -
	       (double)memory_field("Shmem");
}

struct meter meter_start(void)
{
	const double cached = page_cache();

	return (struct meter){now(), cpu_used(), cached};
}

void meter_stop(const struct bench *bench, const struct meter *meter, uint64_t bytes, double cpu,
		double values[])
{
	const double seconds = now() - meter->start;

	cpu += cpu_used() - meter->cpu;
	values[IO] = seconds * 1e3;
	values[SPEED] = bytes / seconds / 1e6;
	values[CPU] = cpu * 1e3;
	values[CACHED] = (page_cache() - meter->cached) / bytes;
	values[COPIES] = cpu / (bytes * bench->cpu_copy);
}

/* The best wall-clock time, since the clock of CPU time may be coarse. */
double cpu_of_copy(void)
{
	char *from = malloc(COPIED), *to = malloc(COPIED);
	double least = INFINITY;

	if (!from || !to)
		abort();
	memset(from, 1, COPIED);
	memset(to, 2, COPIED);
	for (unsigned i = 0; i < TIMES; i++) {
		const double start = now();

		memcpy(to, from, COPIED);
		/* Keeps the compiler from removing the copy. */
		__asm__ volatile("" : : "r"(to) : "memory");
		least = fmin(least, now() - start);
	}
	free(from);
	free(to);
	return least / COPIED;
}
