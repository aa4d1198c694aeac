// SPDX-License-Identifier: GPL-2.0-or-later
/* ENGINE_CFR: copy_file_range(2). The kernel moves the bytes, by DMA if it can. */
#include "copy/job.h"

#include <errno.h>

static ssize_t copy_some(struct job *job, uint64_t at, size_t size)
{
	const int file = job->plan->o_direct ? job->file.direct : job->file.file;
	const off_t offset = job->copy.memory_offset + (off_t)at;
	const off_t file_offset = job->copy.file_offset + (off_t)at;
	struct buffer *buffer = job->copy.buffer;

	if (job->copy.direction == COPY_TO_MEMORY)
		return buffer_copy_from_file(buffer, offset, file, file_offset, size);
	return buffer_copy_to_file(buffer, offset, file, file_offset, size);
}

ssize_t engine_cfr(struct job *job, struct piece piece, char *bounce, int *error)
{
	size_t done = 0;

	(void)bounce;
	*error = 0;
	while (done < piece.size) {
		const ssize_t n = copy_some(job, piece.at + done, piece.size - done);

		if (n == -EINTR && !job_is_cancelled(job))
			continue;
		if (n < 0)
			*error = (int)n;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (job->plan->o_direct)
		job->direct_bytes += done;
	return (ssize_t)done;
}
