/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A copy with progress on stderr, which SIGINT, SIGTERM and SIGHUP cancel. */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include "copy/copy.h"

/*
 * From here on the three signals cancel copies instead of ending the process.
 * progress_end() then ends it by the signal that came, unless the work is @done: the signal
 * came too late. So a process that dies of a signal has changed nothing.
 */
void progress_begin(void);
void progress_end(bool done);

/* One of the signals has come. */
bool progress_was_interrupted(void);

struct progress_options {
	bool always;	/* even if stderr is not a terminal */
	uint64_t total; /* bytes; COPY_TO_THE_END: not known */
};

/*
 * Makes *@copy and waits for its end; cancel and progress are filled in. Returns the bytes
 * copied, or -errno if not all were.
 */
int64_t progress_copy_buffer(struct copy *copy, const struct progress_options *options,
			     struct copy_report *report);

/* The same with @mounted, an open file of a mount, as the buffer. */
int64_t progress_copy(struct copy *copy, int mounted, const struct progress_options *options,
		      struct copy_report *report);

#endif
