// SPDX-License-Identifier: GPL-2.0-or-later
#include "copy/job.h"

#include <errno.h>
#include <unistd.h>

static bool goes_directly(struct job *job, const char *bytes, uint64_t position, size_t size)
{
	const struct copy_file *file = &job->file;

	return file->direct >= 0 && !job->refused && position % file->offset_align == 0 &&
	       (uintptr_t)bytes % file->memory_align == 0 && size >= file->offset_align;
}

/* Up to where direct I/O can go on, if it can at all. */
static size_t odd_bytes(struct job *job, uint64_t position, size_t size)
{
	const uint32_t align = job->file.offset_align;
	size_t to_alignment = align - position % align;

	if (job->file.direct < 0 || job->refused)
		return size;
	return size < to_alignment ? size : to_alignment;
}

static ssize_t input_output(struct job *job, int fd, char *bytes, size_t size, uint64_t position)
{
	ssize_t n = job->copy.direction == COPY_TO_MEMORY
			    ? pread(fd, bytes, size, (off_t)position)
			    : pwrite(fd, bytes, size, (off_t)position);

	return n < 0 ? -errno : n;
}

static ssize_t move_directly(struct job *job, char *bytes, size_t size, uint64_t position)
{
	const uint32_t align = job->file.offset_align;
	ssize_t n = input_output(job, job->file.direct, bytes, size - size % align, position);

	if (n > 0)
		job->direct_bytes += (uint64_t)n;
	return n;
}

/* Some bytes; 0 at the end of the file. Direct I/O that ends early is asked about in the other way.
 */
static ssize_t move_some(struct job *job, char *bytes, size_t size, uint64_t position)
{
	ssize_t n = 0;

	if (goes_directly(job, bytes, position, size)) {
		n = move_directly(job, bytes, size, position);
		if (n == -EINVAL || n == -EOPNOTSUPP)
			job->refused = true;
		else if (n)
			return n;
	}
	return input_output(job, job->file.file, bytes, odd_bytes(job, position, size), position);
}

ssize_t job_transfer(struct job *job, char *bytes, uint64_t at, size_t size, int *error)
{
	const uint64_t position = (uint64_t)job->copy.file_offset + at;
	size_t done = 0;

	*error = 0;
	while (done < size && !*error) {
		ssize_t n = move_some(job, bytes + done, size - done, position + done);

		if (n == 0)
			break;
		if (n > 0)
			done += (size_t)n;
		else if (n != -EINTR)
			*error = (int)n;
		else if (job_is_cancelled(job))
			*error = -EINTR;
	}
	return (ssize_t)done;
}
