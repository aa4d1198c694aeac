// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * I/O with memory of our own, and one copy by the CPU between that and the
 * buffer: what is left for memory that I/O can't reach, or not at this address.
 */
#include "copy/job.h"

#include <errno.h>
#include <string.h>

static ssize_t all_calls(struct job *job, const char *bytes, size_t size, off_t offset, int *error)
{
	struct copy_memory *memory = &job->copy.memory;
	size_t done = 0;

	while (done < size) {
		ssize_t n =
			memory->ops->write(memory, bytes + done, size - done, offset + (off_t)done);

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

/* To be called with what job_transfer() has put into @bounce, and its @error. */
static ssize_t write_out(struct job *job, const char *bounce, ssize_t size, off_t offset,
			 int *error)
{
	int write_error = 0;
	ssize_t n = all_calls(job, bounce, (size_t)size, offset, &write_error);

	if (write_error)
		*error = write_error;
	return n;
}

/* What goes through the page cache is best copied while it is in the CPU's. */
#define CACHED_STEP (256u << 10)

static ssize_t calls_once(struct job *job, struct piece piece, char *bounce, int *error)
{
	const off_t offset = job->copy.memory_offset + (off_t)piece.at;
	struct copy_memory *memory = &job->copy.memory;
	ssize_t n;

	if (job->copy.direction == COPY_TO_MEMORY) {
		n = job_transfer(job, bounce, piece.at, piece.size, error);
		return write_out(job, bounce, n, offset, error);
	}
	n = memory->ops->read(memory, bounce, piece.size, offset);
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
					   .size = direct || left < CACHED_STEP ? left
										: CACHED_STEP};
		const ssize_t n = calls_once(job, step, bounce, error);

		done += n;
		if (*error || (size_t)n < step.size)
			break;
	} while ((size_t)done < piece.size);
	return done;
}

/* One memcpy, with CPU access opened for as long as it takes. */
static ssize_t move_window(struct job *job, char *bounce, size_t size, off_t offset, int *error)
{
	struct copy_memory *memory = &job->copy.memory;
	const bool in = job->copy.direction == COPY_TO_MEMORY;
	struct copy_window window;

	*error = memory->ops->open_window(memory, &window, offset, size, in);
	if (*error)
		return 0;
	memcpy(in ? window.bytes : bounce, in ? bounce : window.bytes, window.size);
	*error = memory->ops->close_window(memory, &window);
	return *error ? 0 : (ssize_t)window.size;
}

static ssize_t bounce_in(struct job *job, struct piece piece, char *bounce, int *error)
{
	const off_t offset = job->copy.memory_offset + (off_t)piece.at;
	ssize_t arrived = job_transfer(job, bounce, piece.at, piece.size, error);
	int window_error = 0;
	ssize_t n;

	if (arrived == 0)
		return 0;
	n = move_window(job, bounce, (size_t)arrived, offset, &window_error);
	if (window_error) {
		*error = window_error;
		return n;
	}
	/* Somebody has made the buffer smaller meanwhile. */
	return n + write_out(job, bounce + n, arrived - n, offset + n, error);
}

static ssize_t bounce_out(struct job *job, struct piece piece, char *bounce, int *error)
{
	const off_t offset = job->copy.memory_offset + (off_t)piece.at;
	ssize_t n = move_window(job, bounce, piece.size, offset, error);

	return n > 0 ? job_transfer(job, bounce, piece.at, (size_t)n, error) : n;
}

ssize_t engine_bounce(struct job *job, struct piece piece, char *bounce, int *error)
{
	struct copy_memory *memory = &job->copy.memory;

	if (memory->ops->reach(memory) != COPY_REACH_MEMCPY)
		return engine_calls(job, piece, bounce, error);
	return job->copy.direction == COPY_TO_MEMORY ? bounce_in(job, piece, bounce, error)
						     : bounce_out(job, piece, bounce, error);
}
