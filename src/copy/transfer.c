// SPDX-License-Identifier: GPL-2.0-or-later
#include "copy/job.h"
#include "util/math.h"

#include <errno.h>
#include <unistd.h>

static bool can_be_direct(struct job *job, const char *bytes, uint64_t position, size_t size)
{
	const struct copy_file *file = &job->file;

	return file->direct >= 0 && !job->refused && position % file->offset_align == 0 &&
	       (uintptr_t)bytes % file->memory_align == 0 && size >= file->offset_align;
}

/* The bytes before the next position at which direct I/O is possible. */
static size_t unaligned_bytes(struct job *job, uint64_t position, size_t size)
{
	const uint32_t align = job->file.offset_align;

	if (job->file.direct < 0 || job->refused)
		return size;
	return min_u64(size, align - position % align);
}

static ssize_t transfer(struct job *job, int fd, char *bytes, size_t size, uint64_t position)
{
	const ssize_t n = job->copy.direction == COPY_TO_MEMORY
				  ? pread(fd, bytes, size, (off_t)position)
				  : pwrite(fd, bytes, size, (off_t)position);

	return n < 0 ? -errno : n;
}

static ssize_t transfer_direct(struct job *job, char *bytes, size_t size, uint64_t position)
{
	const uint32_t align = job->file.offset_align;
	const ssize_t n = transfer(job, job->file.direct, bytes, size - size % align, position);

	if (n > 0)
		job->direct_bytes += (uint64_t)n;
	return n;
}

/*
 * Moves some bytes; 0 at the end of the file. If direct I/O returns 0 or is refused,
 * I/O through the page cache decides.
 */
static ssize_t transfer_some(struct job *job, char *bytes, size_t size, uint64_t position)
{
	if (can_be_direct(job, bytes, position, size)) {
		const ssize_t n = transfer_direct(job, bytes, size, position);

		if (n == -EINVAL || n == -EOPNOTSUPP)
			job->refused = true;
		else if (n)
			return n;
	}
	return transfer(job, job->file.file, bytes, unaligned_bytes(job, position, size), position);
}

ssize_t job_transfer(struct job *job, char *bytes, uint64_t at, size_t size, int *error)
{
	const uint64_t position = (uint64_t)job->copy.file_offset + at;
	size_t done = 0;

	*error = 0;
	while (done < size && !*error) {
		const ssize_t n = transfer_some(job, bytes + done, size - done, position + done);

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
