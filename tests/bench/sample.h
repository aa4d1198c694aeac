/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

/* Seconds of CLOCK_MONOTONIC. */
double now(void);

/* Seconds of CPU time of this process. */
double cpu_used(void);

#endif
