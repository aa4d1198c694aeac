/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the data of a buffer was read and written, where no kernel keeps it.
 * The file in the tree keeps all other times; the later one of both counts.
 */
#ifndef BUFFER_DATA_TIMES_H
#define BUFFER_DATA_TIMES_H

#include <pthread.h>
#include <sys/stat.h>

struct data_times {
	pthread_mutex_t lock;			/* a leaf */
	struct timespec read, written, changed; /* or never, as far as is known here */
};

void data_times_init(struct data_times *times);
void data_times_finish(struct data_times *times);

void data_times_touch_read(struct data_times *times);
void data_times_touch_written(struct data_times *times);

/* Takes the times over from a file that kept them so far. */
void data_times_set(struct data_times *times, const struct stat *st);

/* From here on the tree knows best. */
void data_times_forget(struct data_times *times);

/* Moves the times in @st on to those of later accesses. */
void data_times_show(struct data_times *times, struct stat *st);

/* The same, for a file that keeps them. */
void stat_take_later_times(struct stat *st, const struct stat *other);

#endif
