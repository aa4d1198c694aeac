/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The figures of a group with STYLE_TABLE. The number of copies by the CPU cannot be counted
 * from outside the kernel. So the CPU time is given in units of a memcpy() of the same bytes,
 * an upper bound that includes all other work.
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

/* The start of a measurement. */
struct meter {
	double start, cpu, cached;
};

struct meter meter_start(void);

/*
 * Fills in all figures but CREATE and CLOSE: @bytes have been moved since @meter was started.
 * @cpu is the CPU time of other processes, such as a daemon.
 */
void meter_stop(const struct bench *bench, const struct meter *meter, uint64_t bytes, double cpu,
		double values[]);

/* Seconds of CPU time for copying a byte from memory to memory. */
double cpu_of_copy(void);

#endif
