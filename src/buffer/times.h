/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Times of the last accesses to a buffer's data, for memory whose times no
 * kernel keeps. The file in the tree keeps all other times; stat(2) shows the
 * later of both.
 */
#ifndef BUFFER_TIMES_H
#define BUFFER_TIMES_H

#include <pthread.h>
#include <stdint.h>
#include <sys/stat.h>

struct times {
	pthread_mutex_t lock;			/* a leaf */
	struct timespec read, written, changed; /* far in the past if not known */
};

/* Earlier than any time that a file can have. */
#define NEVER                                                        \
	{                                                            \
		.tv_sec = sizeof(time_t) > 4 ? INT64_MIN : INT32_MIN \
	}

#define NO_TIMES                                           \
	((struct times){.lock = PTHREAD_MUTEX_INITIALIZER, \
			.read = NEVER,                     \
			.written = NEVER,                  \
			.changed = NEVER})

void times_touch_read(struct times *times);
void times_touch_written(struct times *times);

/* Copies the times in @st, of a file that has kept them so far. */
void times_set(struct times *times, const struct stat *st);

/* From here on the times in the tree are the only ones. */
void times_forget(struct times *times);

/* Raises the times in @st to those of later accesses. */
void times_show(struct times *times, struct stat *st);

/* Raises the times in @st to those in @other, if they are later. */
void stat_take_later_times(struct stat *st, const struct stat *other);

#endif
