// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A memfd. No filesystem limits it, so the quota does, see struct charge.
 *
 * The first export makes a dma-buf of the pages that the file has at that moment,
 * and the file must keep exactly these. So it is filled, extended to whole pages
 * and sealed, and the buffer keeps the logical size from then on. Punching a hole
 * would separate file and dma-buf; nothing here does that after the export.
 */
#include "buffer/memory_file.h"
#include "util/math.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>

/* --- before the first export ------------------------------------------------------ */

static void correct_charge(struct buffer *buffer, uint64_t reserved)
{
	charge_settle(&buffer->charge, reserved, file_capacity(buffer));
}

/* Bytes allocated below @end. Preallocation beyond @end is not counted. */
static uint64_t bytes_held_below(struct buffer *buffer, const struct stat *st, uint64_t end)
{
	const uint64_t beyond = bytes_missing(page_round_up(buffer->promised), end);

	return bytes_missing(bytes_held(st), beyond);
}

/*
 * Reserves the most that filling [offset, offset + size) can take: the whole range,
 * but no more than all holes of the file together.
 */
static int reserve_range(struct buffer *buffer, off_t offset, off_t size, uint64_t *reserved)
{
	const uint64_t end = (uint64_t)offset + (uint64_t)size;
	const uint64_t range = page_round_up(end) - page_round_down((uint64_t)offset);
	struct stat st;

	if (fstat(buffer->file, &st))
		return -errno;
	const uint64_t file_end = page_round_up(max_u64(st.st_size, end));
	const uint64_t holes = bytes_missing(file_end, bytes_held_below(buffer, &st, file_end));

	*reserved = min_u64(range, holes);
	return charge_reserve(&buffer->charge, *reserved);
}

/* As reserve_range(), with *@size halved until it fits. */
static int reserve_some(struct buffer *buffer, off_t offset, size_t *size, uint64_t *reserved)
{
	int error = reserve_range(buffer, offset, (off_t)*size, reserved);

	while (error == -ENOSPC && *size > 1) {
		*size /= 2;
		error = reserve_range(buffer, offset, (off_t)*size, reserved);
	}
	return error;
}

ssize_t memfd_write(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	uint64_t reserved;
	const int error = reserve_some(buffer, offset, &size, &reserved);

	if (error)
		return error;
	const ssize_t n = file_write(buffer, data, size, offset);

	correct_charge(buffer, reserved);
	return n;
}

ssize_t memfd_copy(struct buffer *from, off_t from_offset, struct buffer *to, off_t to_offset,
		   size_t size)
{
	uint64_t reserved;
	const int error = reserve_some(to, to_offset, &size, &reserved);

	if (error)
		return error;
	const ssize_t n = file_copy(from, from_offset, to, to_offset, size);

	correct_charge(to, reserved);
	return n;
}

int memfd_truncate(struct buffer *buffer, off_t size)
{
	struct stat st;

	if (fstat(buffer->file, &st))
		return -errno;
	if (!quota_has_room(buffer->quota, file_growth(&st, size)))
		return -ENOSPC;
	const int error = file_truncate(buffer, size);

	if (!error)
		buffer->promised = 0;
	correct_charge(buffer, 0);
	return error;
}

int memfd_allocate(struct buffer *buffer, int mode, off_t offset, off_t length)
{
	const bool grows = !(mode & FALLOC_FL_PUNCH_HOLE);
	uint64_t reserved = 0;
	int error = grows ? reserve_range(buffer, offset, length, &reserved) : 0;

	if (error)
		return error;
	error = file_allocate(buffer, mode, offset, length);
	if (!error && grows)
		buffer->promised = max_u64(buffer->promised, (uint64_t)offset + (uint64_t)length);
	correct_charge(buffer, reserved);
	return error;
}

void memfd_stat(struct buffer *buffer, struct stat *st)
{
	struct stat file;

	if (fstat(buffer->file, &file))
		return;
	charge_settle(&buffer->charge, 0, bytes_held(&file));
	st->st_size = file.st_size;
	st->st_blocks = file.st_blocks;
	stat_take_later_times(st, &file);
}

int memfd_set_times(struct buffer *buffer, const struct timespec times[2])
{
	return futimens(buffer->file, times) ? -errno : 0;
}

/* Memory for the window's pages stays reserved while it is open. */
int memfd_open_window(struct buffer *buffer, struct buffer_window *window, off_t offset)
{
	int error = 0;

	if (window->access.write)
		error = reserve_range(buffer, offset, (off_t)window->size, &window->reserved);
	if (error)
		return error;
	error = file_open_window(buffer, window, offset);
	if (error && window->access.write)
		correct_charge(buffer, window->reserved);
	return error;
}

int memfd_close_window(struct buffer *buffer, struct buffer_window *window)
{
	const int error = file_close_window(buffer, window);

	if (window->access.write)
		correct_charge(buffer, window->reserved);
	return error;
}

int memfd_finish_fill(struct buffer *buffer, uint64_t size, uint64_t waste, uint64_t waste_end)
{
	const int error = file_finish_fill(buffer, size, waste, waste_end);

	correct_charge(buffer, 0);
	return error;
}

void memfd_settle(struct buffer *buffer)
{
	correct_charge(buffer, 0);
}

/* --- export and import ------------------------------------------------------------ */

/* Bytes that a map wrote beyond the end, in the last page, must not become visible. */
static int zero_tail(int file, off_t size, size_t capacity)
{
	return (size_t)size == capacity ? 0 : file_punch_hole(file, size, (off_t)capacity - size);
}

static int seal(int file)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	return fcntl(file, F_ADD_SEALS, seals) ? -errno : 0;
}

/* Allocates every page and seals the file. On an error nothing has changed. */
static int fix_pages(int file, off_t size, size_t capacity)
{
	if (fallocate(file, 0, 0, (off_t)capacity))
		return -errno;
	const int error = zero_tail(file, size, capacity) ?: seal(file);

	if (error && ftruncate(file, size))
		return -errno;
	return error;
}

/* As fix_pages(), with every page charged. */
static int fix_size(struct buffer *buffer, const struct stat *st, size_t capacity)
{
	const uint64_t missing = bytes_missing(capacity, bytes_held(st));
	int error = charge_reserve(&buffer->charge, missing);

	if (error)
		return error;
	atomic_store(&buffer->record->fixing, (uint64_t)st->st_size);
	error = fix_pages(buffer->file, st->st_size, capacity);
	charge_settle(&buffer->charge, missing, error ? bytes_held(st) : capacity);
	return error;
}

static void become_exported(struct buffer *buffer, const struct stat *st, size_t capacity)
{
	buffer->dmabuf.file = buffer->file;
	buffer->dmabuf.capacity = capacity;
	atomic_store(&buffer->record->size, (uint64_t)st->st_size);
	times_set(&buffer->record->times, st);
	buffer->exported = true;
	buffer->ops = &memory_memfd_exported;
}

void memfd_finish_fixing(struct buffer *buffer, uint64_t size)
{
	struct stat st;

	if (fstat(buffer->file, &st))
		return;
	const size_t capacity = (size_t)st.st_size;

	st.st_size = (off_t)size;
	become_exported(buffer, &st, capacity);
}

static int make_dmabuf(struct buffer *buffer)
{
	struct heap *heap = buffer->heap;
	const int fd = heap->ops->export(heap, buffer->file, buffer->dmabuf.capacity);

	if (fd < 0)
		return fd;
	dmabuf_set_fd(&buffer->dmabuf, heap, fd);
	return 0;
}

/* One dma-buf serves all exports, since a device's fences are attached to it. */
static int exported_export(struct buffer *buffer)
{
	const int error = buffer->dmabuf.fd < 0 ? make_dmabuf(buffer) : 0;

	return error ? error : fixed_export(buffer);
}

static int memfd_export(struct buffer *buffer)
{
	struct heap *heap = buffer->heap;
	struct stat st;

	if (fstat(buffer->file, &st))
		return -errno;
	if (st.st_size == 0)
		return -ENODATA;
	if ((uint64_t)st.st_size > SIZE_MAX - page_size())
		return -EFBIG;
	const size_t capacity = page_round_up((uint64_t)st.st_size);
	const int error = heap->ops->may_export(heap, capacity) ?: fix_size(buffer, &st, capacity);

	if (error)
		return error;
	become_exported(buffer, &st, capacity);
	return exported_export(buffer);
}

/* The file stays behind, empty, for opens from before and for the kernel. */
int memfd_import(struct buffer *buffer, int dmabuf, size_t capacity)
{
	struct stat st;

	if (fstat(buffer->file, &st))
		return -errno;
	if (st.st_size || st.st_blocks)
		return -EEXIST;
	const int error = fixed_import(buffer, dmabuf, capacity);

	if (error)
		return error;
	times_set(&buffer->record->times, &st);
	buffer->ops = &memory_dmabuf;
	return 0;
}

const struct memory_ops memory_memfd = {
	.state = BUFFER_FILE,
	.access = BUFFER_ACCESS_IO,
	.read = file_read,
	.write = memfd_write,
	.seek = file_seek,
	.stat = memfd_stat,
	.size = file_size,
	.capacity = file_capacity,
	.set_times = memfd_set_times,
	.copy = memfd_copy,
	.has_large_pages = file_has_large_pages,
	.copy_fd = file_copy_fd,
	.truncate = memfd_truncate,
	.allocate = memfd_allocate,
	.open_window = memfd_open_window,
	.close_window = memfd_close_window,
	.begin_fill = file_begin_fill,
	.finish_fill = memfd_finish_fill,
	.export = memfd_export,
	.import = memfd_import,
	.settle = memfd_settle,
	.release = file_release,
};

/* The file is part of the dma-buf, and the charge, not the buffer, counts it. */
const struct memory_ops memory_memfd_exported = {
	.state = BUFFER_EXPORTED_FILE,
	.access = BUFFER_ACCESS_IO,
	.read = fixed_read,
	.write = fixed_write,
	.seek = fixed_seek,
	.stat = fixed_stat,
	.size = fixed_size,
	.capacity = fixed_capacity,
	.set_times = fixed_set_times,
	.copy_fd = fixed_copy_fd,
	.open_window = fixed_open_window,
	.close_window = fixed_close_window,
	.is_ready = fixed_is_ready,
	.make_room = fixed_make_room,
	.truncate = fixed_truncate,
	.allocate = fixed_allocate,
	.begin_fill = fixed_begin_fill,
	.finish_fill = fixed_finish_fill,
	.export = exported_export,
	.release = fixed_release,
};
