/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A copy made while somebody watches: progress on stderr, signals that end it. */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include "copy/copy.h"

/*
 * From here on SIGINT, SIGTERM and SIGHUP do not end the process, but what it
 * is doing; watch_end() ends it then in their name, unless all is @done: the
 * signal came too late, and who dies of one has changed nothing.
 */
void watch_begin(void);
void watch_end(bool done);

/* Whether one of them came. */
bool watch_was_interrupted(void);

struct watch_options {
	bool progress;	/* also where stderr is no terminal */
	uint64_t total; /* bytes; COPY_TO_THE_END: not known */
};

/* Makes *@copy, with its cancel and progress filled in. As copy_run(). */
ssize_t watch_copy(struct copy *copy, const struct watch_options *options,
		   struct copy_report *report);

#endif
