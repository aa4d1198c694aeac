// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/buffer.h"

#include <errno.h>

/* Nothing fits always, even where budget_correct() went beyond the limit. */
static bool fits(const struct budget *budget, uint64_t used, uint64_t bytes)
{
	return bytes == 0 || (used <= budget->limit && bytes <= budget->limit - used);
}

static int try_to_take(struct budget *budget, uint64_t bytes)
{
	uint64_t used = atomic_load(&budget->used);

	do {
		if (!fits(budget, used, bytes))
			return -ENOSPC;
	} while (!atomic_compare_exchange_weak(&budget->used, &used, used + bytes));
	return 0;
}

int budget_take(struct budget *budget, uint64_t bytes)
{
	int err = try_to_take(budget, bytes);

	if (!err || leavings_are_none(&budget->leavings))
		return err;
	budget_collect(budget);
	return try_to_take(budget, bytes);
}

bool budget_has_room(struct budget *budget, uint64_t bytes)
{
	if (bytes > budget_left(budget) && !leavings_are_none(&budget->leavings))
		budget_collect(budget);
	return bytes <= budget_left(budget);
}

void budget_leave(struct budget *budget, struct heap *heap, int fd, uint64_t bytes)
{
	budget_correct(budget, 0, bytes);
	budget_give_back(budget, leavings_add(&budget->leavings, heap, fd, bytes));
}

uint64_t budget_collect(struct budget *budget)
{
	uint64_t held;

	budget_give_back(budget, leavings_collect(&budget->leavings, &held));
	return held;
}

void budget_finish(struct budget *budget)
{
	budget_give_back(budget, leavings_finish(&budget->leavings));
}

void budget_give_back(struct budget *budget, uint64_t bytes)
{
	atomic_fetch_sub(&budget->used, bytes);
}

/* Unsigned arithmetic wraps, so one addition serves both directions. */
void budget_correct(struct budget *budget, uint64_t from, uint64_t to)
{
	atomic_fetch_add(&budget->used, to - from);
}

uint64_t budget_left(struct budget *budget)
{
	uint64_t used = atomic_load(&budget->used);

	return used < budget->limit ? budget->limit - used : 0;
}
