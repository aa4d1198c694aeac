// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/times.h"

#include "util/scope.h"

#include <time.h>

/* tmpfs uses this clock for its files. A finer one would run ahead of it. */
static struct timespec now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME_COARSE, &time);
	return time;
}

void times_touch_read(struct times *times)
{
	guard(mutex)(&times->lock);
	times->read = now();
}

void times_touch_written(struct times *times)
{
	guard(mutex)(&times->lock);
	times->written = now();
	times->changed = times->written;
}

void times_set(struct times *times, const struct stat *st)
{
	guard(mutex)(&times->lock);
	times->read = st->st_atim;
	times->written = st->st_mtim;
	times->changed = st->st_ctim;
}

void times_forget(struct times *times)
{
	static const struct stat never = {.st_atim = NEVER, .st_mtim = NEVER, .st_ctim = NEVER};

	times_set(times, &never);
}

static struct timespec later(struct timespec a, struct timespec b)
{
	if (a.tv_sec != b.tv_sec)
		return a.tv_sec > b.tv_sec ? a : b;
	return a.tv_nsec > b.tv_nsec ? a : b;
}

void stat_take_later_times(struct stat *st, const struct stat *other)
{
	st->st_atim = later(st->st_atim, other->st_atim);
	st->st_mtim = later(st->st_mtim, other->st_mtim);
	st->st_ctim = later(st->st_ctim, other->st_ctim);
}

void times_show(struct times *times, struct stat *st)
{
	guard(mutex)(&times->lock);
	const struct stat data = {
		.st_atim = times->read,
		.st_mtim = times->written,
		.st_ctim = times->changed,
	};

	stat_take_later_times(st, &data);
}
