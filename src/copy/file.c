// SPDX-License-Identifier: GPL-2.0-or-later
#include "copy/file.h"

#include "copy/job.h"
#include "util/compat.h"
#include "util/fd_path.h"
#include "util/math.h"
#include "util/scope.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

/* In <linux/mman.h> since 6.5. */
struct range {
	uint64_t offset, length;
};

struct range_cache {
	uint64_t cached, dirty, writeback, evicted, recently_evicted; /* pages */
};

/* --- capabilities ------------------------------------------------------------------- */

static bool is_in_memory(int file)
{
	struct statfs fs;

	if (fstatfs(file, &fs))
		return false;
	/* As unsigned: the magic numbers do not fit the type of 32-bit machines. */
	const unsigned int type = (unsigned int)fs.f_type;

	return type == TMPFS_MAGIC || type == RAMFS_MAGIC || type == HUGETLBFS_MAGIC;
}

/* Files that report size 0 may have content, like those in /proc. */
static bool has_size(int file, enum copy_direction direction, uint64_t *size)
{
	struct stat st;

	if (fstat(file, &st))
		return false;
	*size = (uint64_t)st.st_size;
	if (S_ISREG(st.st_mode))
		return direction == COPY_TO_FILE || st.st_size > 0;
	return S_ISBLK(st.st_mode) && !ioctl(file, BLKGETSIZE64, size);
}

void copy_file_init(struct copy_file *copy_file, int file, enum copy_direction direction)
{
	const uint32_t page = (uint32_t)page_size();

	*copy_file = (struct copy_file){
		.file = file, .direct = -1, .offset_align = page, .memory_align = page};
	/* With O_APPEND bytes go to the end, whatever their position: in order, then. */
	if (!has_size(file, direction, &copy_file->size) ||
	    (direction == COPY_TO_FILE && fcntl(file, F_GETFL) & O_APPEND))
		copy_file->kind = FILE_STREAM;
	else if (is_in_memory(file))
		copy_file->kind = FILE_IN_MEMORY;
	else
		copy_file->kind = FILE_DIRECT;
}

void copy_file_finish(struct copy_file *copy_file)
{
	close_fd(copy_file->direct);
	copy_file->direct = -1;
}

/* Some filesystems report their alignment, and zeroes if they have no direct I/O. */
static bool learn_alignment(struct copy_file *copy_file)
{
	(void)copy_file;
#ifdef STATX_DIOALIGN /* since Linux 6.1 */
	struct statx stx;

	if (statx(copy_file->direct, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) ||
	    !(stx.stx_mask & STATX_DIOALIGN))
		return true;
	if (!stx.stx_dio_offset_align || !stx.stx_dio_mem_align)
		return false;
	copy_file->offset_align = stx.stx_dio_offset_align;
	copy_file->memory_align = stx.stx_dio_mem_align;
#endif
	return true;
}

void copy_file_open_direct(struct copy_file *copy_file)
{
	/* Not by a flag of the caller's fd, which may be shared with other processes. */
	const int mode = fcntl(copy_file->file, F_GETFL) & O_ACCMODE;
	const int fd = reopen_fd(copy_file->file, mode | O_DIRECT);

	if (fd < 0) {
		copy_file->kind = fd == -EINVAL ? FILE_NO_DIRECT : FILE_NOT_OURS;
		return;
	}
	copy_file->direct = fd;
	if (learn_alignment(copy_file))
		return;
	copy_file_finish(copy_file);
	copy_file->kind = FILE_NO_DIRECT;
}

bool copy_file_is_warm(const struct copy_file *copy_file, off_t offset, uint64_t length)
{
	struct range range = {(uint64_t)offset, length};
	struct range_cache cache = {0};

	if (length == 0 || syscall(SYS_cachestat, copy_file->file, &range, &cache, 0))
		return false;
	return cache.cached * page_size() >= length - length / 2;
}

/* --- I/O ----------------------------------------------------------------------------- */

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
