/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dma-bufs of buffers that are gone, for as long as others hold them. The kernel
 * tells nobody when the last one lets go, so it has to be looked for.
 */
#ifndef BUFFER_LEAVINGS_H
#define BUFFER_LEAVINGS_H

#include "buffer/heap.h"

#include <pthread.h>
#include <stdatomic.h>

struct leaving;

/* All zeroes is none. */
struct leavings {
	pthread_mutex_t lock; /* a leaf */
	_Atomic(struct leaving *) first;
};

bool leavings_are_none(struct leavings *leavings);

/* Takes over @fd. Returns whether it is kept: there may be no memory for that. */
bool leavings_add(struct leavings *leavings, struct heap *heap, int fd, uint64_t bytes);

/* Lets go of what nobody else holds: so many bytes; @held are not. */
uint64_t leavings_collect(struct leavings *leavings, uint64_t *held);

/* Lets go of all: so many bytes. */
uint64_t leavings_finish(struct leavings *leavings);

#endif
