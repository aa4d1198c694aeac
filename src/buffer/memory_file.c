// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/memory_file.h"

#include "util/math.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

off_t file_size(struct buffer *buffer)
{
	struct stat st;

	return fstat(buffer->file, &st) ? 0 : st.st_size;
}

uint64_t file_capacity(struct buffer *buffer)
{
	struct stat st;

	return fstat(buffer->file, &st) ? 0 : bytes_held(&st);
}

ssize_t file_read(struct buffer *buffer, void *data, size_t size, off_t offset)
{
	const ssize_t n = pread(buffer->file, data, size, offset);

	return n < 0 ? -errno : n;
}

ssize_t file_write(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	const ssize_t n = pwrite(buffer->file, data, size, offset);

	return n < 0 ? -errno : n;
}

off_t file_seek(struct buffer *buffer, off_t offset, int whence)
{
	const off_t found = lseek(buffer->file, offset, whence);

	return found < 0 ? -errno : found;
}

bool file_has_large_pages(struct buffer *buffer)
{
	return buffer->heap->large_pages;
}

int file_copy_fd(struct buffer *buffer)
{
	return buffer->heap->kernel_copies ? buffer->file : -1;
}

static bool is_unsupported(int error)
{
	return error == EXDEV || error == EINVAL || error == EOPNOTSUPP || error == ENOSYS;
}

ssize_t file_copy(struct buffer *from, off_t from_offset, struct buffer *to, off_t to_offset,
		  size_t size)
{
	const ssize_t n = copy_file_range(from->file, &from_offset, to->file, &to_offset, size, 0);

	if (n >= 0)
		return n;
	return is_unsupported(errno) ? -EOPNOTSUPP : -errno;
}

uint64_t file_growth(const struct stat *st, off_t size)
{
	const uint64_t there = max_u64(page_round_up(st->st_size), bytes_held(st));

	return bytes_missing(page_round_up(size), there);
}

int file_truncate(struct buffer *buffer, off_t size)
{
	return ftruncate(buffer->file, size) ? -errno : 0;
}

static int reserve_pages(int file, int mode, off_t offset, off_t length)
{
	return fallocate(file, mode & FALLOC_FL_KEEP_SIZE, offset, length) ? -errno : 0;
}

int file_punch_hole(int file, off_t offset, off_t length)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	return fallocate(file, mode, offset, length) ? -errno : 0;
}

/*
 * tmpfs does not implement FALLOC_FL_ZERO_RANGE. Reserving comes first, without
 * growing the file, so that nothing has changed if memory runs out. Punching does
 * the zeroing and frees the memory for a moment.
 */
static int zero_range(int file, int mode, off_t offset, off_t length)
{
	return reserve_pages(file, FALLOC_FL_KEEP_SIZE, offset, length)
		       ?: file_punch_hole(file, offset, length)
		       ?: reserve_pages(file, mode, offset, length);
}

int file_allocate(struct buffer *buffer, int mode, off_t offset, off_t length)
{
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return file_punch_hole(buffer->file, offset, length);
	if (mode & FALLOC_FL_ZERO_RANGE)
		return zero_range(buffer->file, mode, offset, length);
	return reserve_pages(buffer->file, mode, offset, length);
}

/*
 * Each window has a map of its own: pages are pinned and released piece by piece,
 * and no map outlives the file's next truncation. Only the kernel may access the
 * map: it returns EFAULT if the file was truncated, where we would get SIGBUS.
 */
int file_open_window(struct buffer *buffer, struct buffer_window *window, off_t offset)
{
	const uint64_t begin = page_round_down((uint64_t)offset);
	const uint64_t end = (uint64_t)offset + window->size;
	const int protection = PROT_READ | (window->access.write ? PROT_WRITE : 0);

	if (window->size == 0)
		return 0;
	void *map = mmap(NULL, end - begin, protection, MAP_SHARED, buffer->file, (off_t)begin);

	if (map == MAP_FAILED)
		return -errno;
	/* A mounted file has no heap, and gets huge pages if its mount does. */
	if (!buffer->heap || buffer->heap->large_pages)
		madvise(map, end - begin, MADV_HUGEPAGE);
	window->map = map;
	window->map_size = end - begin;
	window->bytes = window->map + ((uint64_t)offset - begin);
	return 0;
}

int file_close_window(struct buffer *buffer, struct buffer_window *window)
{
	(void)buffer;
	if (window->map)
		munmap(window->map, window->map_size);
	return 0;
}

/*
 * Extends the file, which reports a lack of memory; the pages come with the bytes.
 * Allocating them in advance would take as long as a good disk needs to fill them,
 * and the disk would be idle meanwhile.
 */
int file_begin_fill(struct buffer *buffer, struct buffer_fill *fill)
{
	const uint64_t end = (uint64_t)fill->offset + fill->length;

	fill->old_size = fill->set_size = (uint64_t)file_size(buffer);
	if (end <= fill->old_size)
		return 0;
	fill->set_size = end;
	return buffer->ops->truncate(buffer, (off_t)end);
}

int file_finish_fill(struct buffer *buffer, uint64_t size, uint64_t waste, uint64_t waste_end)
{
	int error = 0;

	if ((uint64_t)file_size(buffer) != size)
		error = file_truncate(buffer, (off_t)size);
	/* Another writer may have extended the file meanwhile. */
	if (!error && waste < waste_end && waste < size)
		error = file_punch_hole(buffer->file, (off_t)waste, (off_t)(waste_end - waste));
	return error;
}

void file_release(struct buffer *buffer)
{
	close(buffer->file);
}
