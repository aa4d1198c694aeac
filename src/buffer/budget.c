// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/buffer.h"

#include <errno.h>

/* Nothing fits always, even where budget_correct() went beyond the limit. */
static bool has_room(const struct budget *budget, uint64_t used, uint64_t bytes)
{
	return bytes == 0 || (used <= budget->limit && bytes <= budget->limit - used);
}

int budget_take(struct budget *budget, uint64_t bytes)
{
	uint64_t used = atomic_load(&budget->used);

	do {
		if (!has_room(budget, used, bytes))
			return -ENOSPC;
	} while (!atomic_compare_exchange_weak(&budget->used, &used, used + bytes));
	return 0;
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
