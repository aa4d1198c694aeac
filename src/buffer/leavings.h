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
	pthread_mutex_t lock;		 /* a leaf */
	_Atomic(struct leaving *) first; /* the one that was not looked at for the longest time */
	struct leaving *last;
};

bool leavings_are_none(struct leavings *leavings);

/*
 * Takes over @fd. Lets go of a few that nobody else holds any more: so many bytes
 * (and of @fd itself, where there is no memory to keep it in).
 */
uint64_t leavings_add(struct leavings *leavings, struct heap *heap, int fd, uint64_t bytes);

/* Lets go of what nobody else holds: so many bytes; @held are not. */
uint64_t leavings_collect(struct leavings *leavings, uint64_t *held);

/* Lets go of all: so many bytes. */
uint64_t leavings_finish(struct leavings *leavings);

#endif
