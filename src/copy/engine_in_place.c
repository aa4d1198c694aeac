// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * I/O with the buffer's own memory: no copy but the one that the kernel makes,
 * or with direct I/O none at all.
 */
#include "copy/job.h"
#include "util/scope.h"

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

static bool is_known_as_solid(struct job *job, off_t begin, off_t end)
{
	with_lock(&job->solid_lock);
	return begin >= job->solid_begin && end <= job->solid_end;
}

/* Pieces overtake each other: one that lies before what is known is not in it. */
static void note_solid(struct job *job, off_t begin, off_t end)
{
	with_lock(&job->solid_lock);
	if (end < job->solid_end || (end == job->solid_end && begin > job->solid_begin))
		return;
	job->solid_begin = begin;
	job->solid_end = end;
}

/*
 * Reading the map of a hole would fill it with memory. To find the next one a
 * tmpfs looks at each page up to there: not once for each piece.
 */
static bool would_fill_hole(struct job *job, struct piece piece)
{
	const off_t begin = job->copy.memory_offset + (off_t)piece.at;
	const off_t end = begin + (off_t)piece.size;
	struct copy_memory *memory = &job->copy.memory;
	off_t hole;

	if (job->copy.direction == COPY_TO_MEMORY || is_known_as_solid(job, begin, end))
		return false;
	hole = memory->ops->seek(memory, begin, SEEK_HOLE);
	if (hole >= 0)
		note_solid(job, begin, hole);
	return hole >= 0 && hole < end;
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
