// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/data_times.h"

#include "util/scope.h"

#include <stdint.h>
#include <time.h>

/* Earlier than any time that a file can have been given. */
#define NEVER {.tv_sec = sizeof(time_t) > 4 ? INT64_MIN : INT32_MIN}

void data_times_init(struct data_times *times)
{
	*times = (struct data_times){.lock = PTHREAD_MUTEX_INITIALIZER,
				     .read = NEVER,
				     .written = NEVER,
				     .changed = NEVER};
}

void data_times_finish(struct data_times *times)
{
	pthread_mutex_destroy(&times->lock);
}

/* The clock that tmpfs stamps its files with: a finer one would run ahead of it. */
static struct timespec now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME_COARSE, &time);
	return time;
}

void data_times_touch_read(struct data_times *times)
{
	with_lock(&times->lock);
	times->read = now();
}

void data_times_touch_written(struct data_times *times)
{
	with_lock(&times->lock);
	times->written = now();
	times->changed = times->written;
}

void data_times_set(struct data_times *times, const struct stat *st)
{
	with_lock(&times->lock);
	times->read = st->st_atim;
	times->written = st->st_mtim;
	times->changed = st->st_ctim;
}

void data_times_forget(struct data_times *times)
{
	static const struct stat never = {.st_atim = NEVER, .st_mtim = NEVER, .st_ctim = NEVER};

	data_times_set(times, &never);
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

void data_times_show(struct data_times *times, struct stat *st)
{
	struct stat data;

	with_lock(&times->lock);
	data.st_atim = times->read;
	data.st_mtim = times->written;
	data.st_ctim = times->changed;
	stat_take_later_times(st, &data);
}
