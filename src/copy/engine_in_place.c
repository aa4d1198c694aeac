// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * I/O with the buffer's own memory: no copy but the one that the kernel makes,
 * or with direct I/O none at all.
 */
#include "copy/job.h"

#include <errno.h>

/* The part of the piece that has a map now: somebody may have truncated the buffer. */
static ssize_t move_mapped(struct job *job, struct piece piece, int *error)
{
	const off_t offset = job->copy.memory_offset + (off_t)piece.at;
	struct copy_memory *memory = &job->copy.memory;
	struct copy_window window;
	ssize_t n;
	int close_error;

	*error = memory->ops->open_window(memory, &window, offset, piece.size,
					  job->copy.direction == COPY_TO_MEMORY);
	if (*error)
		return 0;
	n = job_transfer(job, window.bytes, piece.at, window.size, error);
	close_error = memory->ops->close_window(memory, &window);
	if (!*error && (size_t)n == window.size && window.size < piece.size)
		*error = -EFAULT;
	if (close_error && *error == -EFAULT)
		*error = close_error;
	else if (close_error && !*error)
		*error = close_error;
	return close_error ? 0 : n;
}

ssize_t engine_in_place(struct job *job, struct piece piece, char *bounce, int *error)
{
	struct copy_memory *memory = &job->copy.memory;
	const off_t offset = job->copy.memory_offset + (off_t)piece.at;
	struct piece rest;
	ssize_t n;

	/* Reading a map of a hole would fill it with memory. */
	if (memory->ops->reach(memory) == COPY_REACH_CALLS ||
	    (job->copy.direction == COPY_TO_FILE &&
	     memory->ops->has_hole(memory, offset, piece.size)))
		return engine_calls(job, piece, bounce, error);
	n = move_mapped(job, piece, error);
	if (*error != -EFAULT)
		return n;
	rest = (struct piece){.at = piece.at + (uint64_t)n, .size = piece.size - (size_t)n};
	return n + engine_calls(job, rest, bounce, error);
}
