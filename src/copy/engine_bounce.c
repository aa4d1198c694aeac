// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ENGINE_BOUNCE: I/O with a bounce buffer, and one copy by the CPU between that and
 * the memory. For memory that I/O cannot reach, or not at this alignment.
 */
#include "copy/job.h"
#include "util/math.h"

#include <errno.h>
#include <string.h>

/* Writes all of @bytes, or returns the count and sets *@error. */
static ssize_t write_all(struct job *job, const char *bytes, size_t size, off_t offset, int *error)
{
	size_t done = 0;

	while (done < size) {
		const ssize_t n = buffer_write(job->copy.buffer, bytes + done, size - done,
					       offset + (off_t)done);

		if (n == -EINTR && !job_is_cancelled(job))
			continue;
		if (n <= 0) {
			*error = n ? (int)n : -ENOSPC;
			break;
		}
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* --- by read and write calls ------------------------------------------------------ */

/* Bytes from the page cache are best copied while they are in the CPU's cache. */
#define CACHED_STEP (256u << 10)

static ssize_t calls_once(struct job *job, struct piece piece, char *bounce, int *error)
{
	const off_t offset = job->copy.memory_offset + (off_t)piece.at;

	if (job->copy.direction == COPY_TO_MEMORY) {
		const ssize_t n = job_transfer(job, bounce, piece.at, piece.size, error);

		return write_all(job, bounce, (size_t)n, offset, error);
	}
	const ssize_t n = buffer_read(job->copy.buffer, bounce, piece.size, offset);

	*error = n < 0 ? (int)n : 0;
	return n > 0 ? job_transfer(job, bounce, piece.at, (size_t)n, error) : 0;
}

ssize_t engine_calls(struct job *job, struct piece piece, char *bounce, int *error)
{
	const bool direct = job->plan->o_direct && !job->refused;
	ssize_t done = 0;

	do {
		const size_t left = piece.size - (size_t)done;
		const struct piece step = {.at = piece.at + (uint64_t)done,
					   .size = direct ? left : min_u64(left, CACHED_STEP)};
		const ssize_t n = calls_once(job, step, bounce, error);

		done += n;
		if (*error || (size_t)n < step.size)
			break;
	} while ((size_t)done < piece.size);
	return done;
}

/* --- by one memcpy ---------------------------------------------------------------- */

/* Copies between @bounce and a window, with CPU access for the time of the copy. */
static ssize_t copy_window(struct job *job, char *bounce, size_t size, off_t offset, int *error)
{
	const bool in = job->copy.direction == COPY_TO_MEMORY;
	struct buffer_window window;

	*error = buffer_window_open(&window, job->copy.buffer, offset, size, in);
	if (*error)
		return 0;
	memcpy(in ? window.bytes : bounce, in ? bounce : window.bytes, window.size);
	*error = buffer_window_close(&window);
	return *error ? 0 : (ssize_t)window.size;
}

static ssize_t bounce_in(struct job *job, struct piece piece, char *bounce, int *error)
{
	const off_t offset = job->copy.memory_offset + (off_t)piece.at;
	const ssize_t arrived = job_transfer(job, bounce, piece.at, piece.size, error);
	int window_error = 0;

	if (arrived == 0)
		return 0;
	const ssize_t n = copy_window(job, bounce, (size_t)arrived, offset, &window_error);

	if (window_error) {
		*error = window_error;
		return n;
	}
	/* A short window means that the buffer was truncated meanwhile. */
	return n + write_all(job, bounce + n, (size_t)(arrived - n), offset + n, error);
}

static ssize_t bounce_out(struct job *job, struct piece piece, char *bounce, int *error)
{
	const off_t offset = job->copy.memory_offset + (off_t)piece.at;
	const ssize_t n = copy_window(job, bounce, piece.size, offset, error);

	return n > 0 ? job_transfer(job, bounce, piece.at, (size_t)n, error) : n;
}

ssize_t engine_bounce(struct job *job, struct piece piece, char *bounce, int *error)
{
	if (buffer_access(job->copy.buffer) != BUFFER_ACCESS_MEMCPY)
		return engine_calls(job, piece, bounce, error);
	return job->copy.direction == COPY_TO_MEMORY ? bounce_in(job, piece, bounce, error)
						     : bounce_out(job, piece, bounce, error);
}
