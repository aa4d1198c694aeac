// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * I/O with the buffer's own memory: no copy but the one that the kernel makes,
 * or with direct I/O none at all.
 */
#include "copy/job.h"

#include <errno.h>
#include <unistd.h>

/*
 * The part of the piece that has a map now. Somebody may have truncated the
 * buffer, then or since: that is -EFAULT.
 */
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
	if (close_error) {
		*error = close_error;
		return 0;
	}
	if (!*error && (size_t)n == window.size && window.size < piece.size)
		*error = -EFAULT;
	return n;
}

/* Reading the map of a hole would fill it with memory. */
static bool would_fill_hole(struct job *job, struct piece piece)
{
	const off_t offset = job->copy.memory_offset + (off_t)piece.at;
	struct copy_memory *memory = &job->copy.memory;
	off_t hole;

	if (job->copy.direction == COPY_TO_MEMORY)
		return false;
	hole = memory->ops->seek(memory, offset, SEEK_HOLE);
	return hole >= 0 && hole < offset + (off_t)piece.size;
}

/*
 * By way of the page cache the kernel copies anyway, and then two copies through
 * a little memory of ours take less than mapping a memory file's pages.
 */
static bool pays(const struct job *job, enum copy_reach reach)
{
	return reach == COPY_REACH_MEMCPY ||
	       (reach == COPY_REACH_IO && job->plan->engine == ENGINE_DIRECT);
}

ssize_t engine_in_place(struct job *job, struct piece piece, char *bounce, int *error)
{
	struct copy_memory *memory = &job->copy.memory;
	struct piece rest;
	ssize_t n;

	if (!pays(job, memory->ops->reach(memory)) || would_fill_hole(job, piece))
		return engine_calls(job, piece, bounce, error);
	n = move_mapped(job, piece, error);
	if (*error != -EFAULT)
		return n;
	rest = (struct piece){.at = piece.at + (uint64_t)n, .size = piece.size - (size_t)n};
	return n + engine_calls(job, rest, bounce, error);
}
