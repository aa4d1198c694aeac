// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/stale.h"

#include <errno.h>
#include <stdatomic.h>

int stale_answer(struct stale *stale, pid_t caller, int error)
{
	_Atomic pid_t *told = &stale->callers[(unsigned)caller % STALE_CALLERS];

	if (*told == caller) {
		/* Threads that share a place may overwrite each other: no harm. */
		*told = 0;
		return error == -ESTALE ? -ENOENT : error;
	}
	if (error == -ESTALE)
		*told = caller;
	return error;
}
