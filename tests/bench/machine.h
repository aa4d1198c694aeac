/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On what it was measured: figures of another boot are not to be compared with these. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include "bench.h"

#define CLOCK_NAME 32

struct machine {
	char kernel[256]; /* release and version */
	char boot[64];	  /* that of random/boot_id */
	char kind[128];	  /* what runs the kernel: an emulation has its own costs */
	char device[256]; /* below --dir, and its filesystem */
	char heaps[256];
	char load[32];
	char clock[CLOCK_NAME];
	long processors;
	uint64_t memory;
};

void machine_find(const struct bench *bench, struct machine *machine);
void print_machine(const struct bench *bench);

/* What the kernel tells the time by; it may turn to another when one goes wrong. */
void machine_clock(char clock[static CLOCK_NAME]);

#endif
