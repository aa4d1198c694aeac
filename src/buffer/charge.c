// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/charge.h"

#include "buffer/buffer.h"
#include "util/scope.h"

void charge_init(struct charge *charge, struct budget *budget)
{
	*charge = (struct charge){.lock = PTHREAD_MUTEX_INITIALIZER, .budget = budget};
}

void charge_finish(struct charge *charge)
{
	if (charge->counted)
		budget_give_back(charge->budget, charge->counted);
	pthread_mutex_destroy(&charge->lock);
}

int charge_reserve(struct charge *charge, uint64_t bytes)
{
	with_lock(&charge->lock);
	int err = budget_take(charge->budget, bytes);

	if (err)
		return err;
	charge->counted += bytes;
	charge->reserved += bytes;
	return 0;
}

void charge_settle(struct charge *charge, uint64_t bytes, uint64_t held)
{
	with_lock(&charge->lock);

	charge->reserved -= bytes;
	budget_correct(charge->budget, charge->counted, held + charge->reserved);
	charge->counted = held + charge->reserved;
}
