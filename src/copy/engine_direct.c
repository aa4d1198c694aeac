// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ENGINE_DIRECT and ENGINE_BUFFERED: I/O into or out of the buffer's own pages. The
 * kernel copies once through the page cache, or not at all with direct I/O.
 */
#include "copy/job.h"
#include "util/scope.h"

#include <errno.h>
#include <unistd.h>

/*
 * Moves the part of the piece that can be mapped. -EFAULT if the buffer was
 * truncated before or meanwhile.
 */
static ssize_t move_mapped(struct job *job, struct piece piece, int *error)
{
	const off_t offset = job->copy.memory_offset + (off_t)piece.at;
	struct buffer_window window;

	*error = buffer_window_open(&window, job->copy.buffer, offset, piece.size,
				    job->copy.direction == COPY_TO_MEMORY);
	if (*error)
		return 0;
	const ssize_t n = job_transfer(job, window.bytes, piece.at, window.size, error);
	const int close_error = buffer_window_close(&window);

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
	guard(mutex)(&job->solid_lock);
	return begin >= job->solid_begin && end <= job->solid_end;
}

/* Pieces overtake each other, so a range before the known one may come later. */
static void note_solid(struct job *job, off_t begin, off_t end)
{
	guard(mutex)(&job->solid_lock);
	if (end < job->solid_end || (end == job->solid_end && begin > job->solid_begin))
		return;
	job->solid_begin = begin;
	job->solid_end = end;
}

/*
 * Reading the map of a hole would allocate memory for it. To find the next hole,
 * tmpfs looks at each page before it, so the answer is cached for later pieces.
 */
static bool would_fill_hole(struct job *job, struct piece piece)
{
	const off_t begin = job->copy.memory_offset + (off_t)piece.at;
	const off_t end = begin + (off_t)piece.size;

	if (job->copy.direction == COPY_TO_MEMORY || is_known_as_solid(job, begin, end))
		return false;
	const off_t hole = buffer_seek(job->copy.buffer, begin, SEEK_HOLE);

	if (hole >= 0)
		note_solid(job, begin, hole);
	return hole >= 0 && hole < end;
}

/*
 * Through the page cache the kernel copies anyway, and two copies through a small
 * bounce buffer take less time than mapping a memory file's pages.
 */
static bool pays(const struct job *job, enum buffer_access access)
{
	return access == BUFFER_ACCESS_MEMCPY ||
	       (access == BUFFER_ACCESS_IO && job->plan->engine == ENGINE_DIRECT);
}

ssize_t engine_direct(struct job *job, struct piece piece, char *bounce, int *error)
{
	if (!pays(job, buffer_access(job->copy.buffer)) || would_fill_hole(job, piece))
		return engine_calls(job, piece, bounce, error);
	const ssize_t n = move_mapped(job, piece, error);

	if (*error != -EFAULT)
		return n;
	const struct piece rest = {.at = piece.at + (uint64_t)n, .size = piece.size - (size_t)n};

	return n + engine_calls(job, rest, bounce, error);
}
