// SPDX-License-Identifier: GPL-2.0-or-later
/* What has no size or no position goes in order, a piece at a time, as it comes. */
#include "copy/job.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

/* So soon a cancelled copy ends, though the other side has fallen silent. */
#define LOOK_UP_MS 200

static int wait_for(struct job *job, short events)
{
	struct pollfd waiting = {.fd = job->copy.file, .events = events};

	for (;;) {
		int n = poll(&waiting, 1, LOOK_UP_MS);

		if (job_is_cancelled(job))
			return -EINTR;
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static ssize_t read_some(struct job *job, char *bytes, size_t size)
{
	ssize_t n;

	do {
		int err = wait_for(job, POLLIN);

		if (err)
			return err;
		n = read(job->copy.file, bytes, size);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n < 0 ? -errno : n;
}

/* So much a pipe takes at once when it takes anything; more could wait, and not be cancelled. */
static ssize_t write_some(struct job *job, const char *bytes, size_t size)
{
	const size_t most = size < PIPE_BUF ? size : PIPE_BUF;
	ssize_t n;

	do {
		int err = wait_for(job, POLLOUT);

		if (err)
			return err;
		n = write(job->copy.file, bytes, most);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n < 0 ? -errno : n;
}

static ssize_t into_memory(struct job *job, struct piece piece, char *bounce, int *error)
{
	struct copy_memory *memory = &job->copy.memory;
	ssize_t arrived = read_some(job, bounce, piece.size), done = 0;

	*error = arrived < 0 ? (int)arrived : 0;
	while (done < arrived) {
		ssize_t n = memory->ops->write(memory, bounce + done, (size_t)(arrived - done),
					       job->copy.memory_offset + (off_t)piece.at + done);

		if (n <= 0) {
			*error = n ? (int)n : -ENOSPC;
			break;
		}
		done += n;
	}
	return done;
}

static ssize_t out_of_memory(struct job *job, struct piece piece, char *bounce, int *error)
{
	struct copy_memory *memory = &job->copy.memory;
	ssize_t size = memory->ops->read(memory, bounce, piece.size,
					 job->copy.memory_offset + (off_t)piece.at);
	ssize_t done = 0;

	*error = size < 0 ? (int)size : 0;
	while (done < size) {
		ssize_t n = write_some(job, bounce + done, (size_t)(size - done));

		if (n < 0) {
			*error = (int)n;
			break;
		}
		done += n;
	}
	return done;
}

/* The end is where nothing comes any more: a short piece is no sign of it. */
ssize_t engine_stream(struct job *job, struct piece piece, char *bounce, int *error)
{
	ssize_t done = 0;

	while ((size_t)done < piece.size) {
		struct piece rest = {.at = piece.at + (uint64_t)done,
				     .size = piece.size - (size_t)done};
		ssize_t n = job->copy.direction == COPY_TO_MEMORY
				    ? into_memory(job, rest, bounce, error)
				    : out_of_memory(job, rest, bounce, error);

		done += n;
		if (n == 0 || *error)
			break;
	}
	return done;
}
