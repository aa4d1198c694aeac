/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one memory file has taken from the budget.
 *
 * Writes that pass the daemon by change what a file holds without asking. So
 * the budget can only follow: whatever the daemon itself is about to do is
 * reserved first and may fail, and whenever the file is looked at, the count
 * is put right to what the file really holds, which may exceed the limit.
 */
#ifndef BUFFER_CHARGE_H
#define BUFFER_CHARGE_H

#include <pthread.h>
#include <stdint.h>

struct budget;

struct charge {
	pthread_mutex_t lock; /* a leaf: nothing is locked under it */
	struct budget *budget;
	uint64_t counted;  /* bytes in the budget's name, the reserved ones included */
	uint64_t reserved; /* bytes that calls under way may still need */
};

void charge_init(struct charge *charge, struct budget *budget);

/* Gives back everything that is counted. */
void charge_finish(struct charge *charge);

/* Sets @bytes aside for a call that is about to take memory, or -ENOSPC. */
int charge_reserve(struct charge *charge, uint64_t bytes);

/* Ends a reservation of @bytes (0: there was none); the file now holds @held. */
void charge_settle(struct charge *charge, uint64_t bytes, uint64_t held);

#endif
