// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/leavings.h"

#include "util/scope.h"

/* With each that comes: more than one, so that they do not pile up. */
#define LOOKED_AT 2

struct leaving {
	struct leaving *next;
	struct heap *heap;
	int fd;
	uint64_t bytes;
};

bool leavings_are_none(struct leavings *leavings)
{
	return !atomic_load(&leavings->first);
}

/* --- the queue; leavings->lock is held ------------------------------------------- */

static void push(struct leavings *leavings, struct leaving *one)
{
	one->next = NULL;
	if (leavings->last)
		leavings->last->next = one;
	else
		leavings->first = one;
	leavings->last = one;
}

static struct leaving *pop(struct leavings *leavings)
{
	struct leaving *one = leavings->first;

	leavings->first = one->next;
	if (!leavings->first)
		leavings->last = NULL;
	return one;
}

/* Of the @most oldest, those that nobody holds, or all; the others are the youngest then. */
static struct leaving *take(struct leavings *leavings, uint64_t most, bool all, uint64_t *held)
{
	struct leaving *taken = NULL, *const end = leavings->last;

	for (bool over = !end; !over && most; most--) {
		struct leaving *one = pop(leavings);

		over = one == end;
		if (!all && one->heap->ops->is_held(one->heap, one->fd)) {
			*held += one->bytes;
			push(leavings, one);
		} else {
			one->next = taken;
			taken = one;
		}
	}
	return taken;
}

/* --- without the lock ------------------------------------------------------------ */

/* Freeing takes its time. */
static uint64_t let_go(struct leaving *one)
{
	uint64_t bytes = 0;

	while (one) {
		struct leaving *next = one->next;

		bytes += one->bytes;
		close_fd(one->fd);
		free(one);
		one = next;
	}
	return bytes;
}

static uint64_t collect(struct leavings *leavings, uint64_t most, bool all, uint64_t *held)
{
	struct leaving *taken;

	{
		with_lock(&leavings->lock);
		taken = take(leavings, most, all, held);
	}
	return let_go(taken);
}

uint64_t leavings_add(struct leavings *leavings, struct heap *heap, int fd, uint64_t bytes)
{
	struct leaving *new = malloc(sizeof(*new));
	uint64_t held = 0;

	if (!new) {
		close_fd(fd);
		return bytes;
	}
	*new = (struct leaving){.heap = heap, .fd = fd, .bytes = bytes};
	{
		with_lock(&leavings->lock);
		push(leavings, new);
	}
	return collect(leavings, LOOKED_AT, false, &held);
}

uint64_t leavings_collect(struct leavings *leavings, uint64_t *held)
{
	*held = 0;
	return collect(leavings, UINT64_MAX, false, held);
}

uint64_t leavings_finish(struct leavings *leavings)
{
	uint64_t held = 0;

	return collect(leavings, UINT64_MAX, true, &held);
}
