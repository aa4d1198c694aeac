// SPDX-License-Identifier: GPL-2.0-or-later
/* ENGINE_STREAM: files without size or position are copied in order, as bytes come. */
#include "copy/job.h"
#include "util/math.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

/* A cancelled copy ends within this time even if the other end is silent. */
#define POLL_MS 200

static int wait_for(struct job *job, short events)
{
	struct pollfd polled = {.fd = job->copy.file, .events = events};

	for (;;) {
		const int n = poll(&polled, 1, POLL_MS);

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
		const int error = wait_for(job, POLLIN);

		if (error)
			return error;
		n = read(job->copy.file, bytes, size);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n < 0 ? -errno : n;
}

/* A pipe that polls writable takes PIPE_BUF at once. More could block, beyond cancelling. */
static ssize_t write_some(struct job *job, const char *bytes, size_t size)
{
	ssize_t n;

	do {
		const int error = wait_for(job, POLLOUT);

		if (error)
			return error;
		n = write(job->copy.file, bytes, min_u64(size, PIPE_BUF));
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n < 0 ? -errno : n;
}

static ssize_t copy_in(struct job *job, struct piece piece, char *bounce, int *error)
{
	const off_t offset = job->copy.memory_offset + (off_t)piece.at;
	const ssize_t arrived = read_some(job, bounce, piece.size);
	ssize_t done = 0;

	*error = arrived < 0 ? (int)arrived : 0;
	while (done < arrived) {
		const ssize_t n = buffer_write(job->copy.buffer, bounce + done,
					       (size_t)(arrived - done), offset + done);

		if (n <= 0) {
			*error = n ? (int)n : -ENOSPC;
			break;
		}
		done += n;
	}
	return done;
}

static ssize_t copy_out(struct job *job, struct piece piece, char *bounce, int *error)
{
	const off_t offset = job->copy.memory_offset + (off_t)piece.at;
	const ssize_t size = buffer_read(job->copy.buffer, bounce, piece.size, offset);
	ssize_t done = 0;

	*error = size < 0 ? (int)size : 0;
	while (done < size) {
		const ssize_t n = write_some(job, bounce + done, (size_t)(size - done));

		if (n < 0) {
			*error = (int)n;
			break;
		}
		done += n;
	}
	return done;
}

/* Only an empty read is the end of a stream. A short one is not. */
ssize_t engine_stream(struct job *job, struct piece piece, char *bounce, int *error)
{
	ssize_t done = 0;

	while ((size_t)done < piece.size) {
		const struct piece rest = {.at = piece.at + (uint64_t)done,
					   .size = piece.size - (size_t)done};
		const ssize_t n = job->copy.direction == COPY_TO_MEMORY
					  ? copy_in(job, rest, bounce, error)
					  : copy_out(job, rest, bounce, error);

		done += n;
		if (n == 0 || *error)
			break;
	}
	return done;
}
