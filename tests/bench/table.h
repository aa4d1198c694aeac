/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The figures of a group whose style is STYLE_TABLE.
 *
 * How often the CPU has copied a byte can't be counted from outside the kernel.
 * What can be measured is how much the page cache has grown, and how long the
 * CPU was busy, which is told in copies of the same bytes from memory to memory:
 * an upper bound, in which everything else that it did is contained.
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "bench.h"

enum { CREATE, CLOSE, IO, SPEED, CPU, CACHED, COPIES };

#define TABLE_FIGURES                                                                            \
	{                                                                                        \
		{"Creat", "ms"}, {"Close", "ms"}, {"I/O", "ms"}, {"I/O", "MB/s"}, {"CPU", "ms"}, \
			{"cached", "bytes per byte"}, {"CPU", "copies per byte"},                \
	}

/* What happens between two moments, in this process and in the page cache. */
struct meter {
	double start, cpu, cached;
};

struct meter meter_start(void);

/*
 * Fills in I/O, CPU and what comes of them: since @meter was started, @bytes
 * have been moved. @cpu is what others have used for it, such as a daemon.
 */
void meter_stop(const struct bench *bench, const struct meter *meter, uint64_t bytes, double cpu,
		double values[]);

/* Seconds of CPU time that copying a byte from memory to memory takes here. */
double cpu_of_copy(void);

/* The least difference that the clock of CPU time knows, in seconds. */
double cpu_step(void);

#endif
