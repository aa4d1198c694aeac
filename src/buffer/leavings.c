// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/leavings.h"

#include "util/scope.h"

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

bool leavings_add(struct leavings *leavings, struct heap *heap, int fd, uint64_t bytes)
{
	struct leaving *new = malloc(sizeof(*new));

	if (!new) {
		close_fd(fd);
		return false;
	}
	with_lock(&leavings->lock);
	*new = (struct leaving){.next = leavings->first, .heap = heap, .fd = fd, .bytes = bytes};
	leavings->first = new;
	return true;
}

/* Takes those out that nobody holds, or all. */
static struct leaving *take(struct leavings *leavings, bool all, uint64_t *held)
{
	struct leaving *taken = NULL, *kept = NULL, *next;
	with_lock(&leavings->lock);

	for (struct leaving *one = leavings->first; one; one = next) {
		const bool keep = !all && one->heap->ops->is_held(one->heap, one->fd);
		struct leaving **list = keep ? &kept : &taken;

		next = one->next;
		one->next = *list;
		*list = one;
		*held += keep ? one->bytes : 0;
	}
	leavings->first = kept;
	return taken;
}

/* Freeing takes its time: without the lock. */
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

uint64_t leavings_collect(struct leavings *leavings, uint64_t *held)
{
	*held = 0;
	return let_go(take(leavings, false, held));
}

uint64_t leavings_finish(struct leavings *leavings)
{
	uint64_t held = 0;

	return let_go(take(leavings, true, &held));
}
