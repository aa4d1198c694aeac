// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory whose size the kernel keeps: a file on tmpfs. What programs do to it
 * by passthrough the daemon never sees, so nothing is remembered here that the
 * file itself can be asked for.
 */
#include "buffer/memory.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/statfs.h>

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t bytes_missing(uint64_t wanted, uint64_t there)
{
	return wanted > there ? wanted - there : 0;
}

static uint64_t bytes_held(const struct stat *st)
{
	return (uint64_t)st->st_blocks * 512;
}

static off_t file_size(struct buffer *buffer)
{
	struct stat st;

	return fstat(buffer->file, &st) ? 0 : st.st_size;
}

static uint64_t file_capacity(struct buffer *buffer)
{
	struct stat st;

	return fstat(buffer->file, &st) ? 0 : bytes_held(&st);
}

static ssize_t file_read(struct buffer *buffer, void *data, size_t size, off_t offset)
{
	ssize_t n = pread(buffer->file, data, size, offset);

	return n < 0 ? -errno : n;
}

static ssize_t file_write(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	ssize_t n = pwrite(buffer->file, data, size, offset);

	return n < 0 ? -errno : n;
}

static off_t file_seek(struct buffer *buffer, off_t offset, int whence)
{
	off_t found = lseek(buffer->file, offset, whence);

	return found < 0 ? -errno : found;
}

static bool has_no_way_to_copy(int error)
{
	return error == EXDEV || error == EINVAL || error == EOPNOTSUPP || error == ENOSYS;
}

static ssize_t file_copy(struct buffer *from, off_t from_offset, struct buffer *to, off_t to_offset,
			 size_t size)
{
	ssize_t n = copy_file_range(from->file, &from_offset, to->file, &to_offset, size, 0);

	if (n >= 0)
		return n;
	return has_no_way_to_copy(errno) ? -EOPNOTSUPP : -errno;
}

/* Memory that a file of @size would need beyond what it has; it stays sparse. */
static uint64_t growth(const struct stat *st, off_t size)
{
	uint64_t there = larger(page_round_up(st->st_size), bytes_held(st));

	return bytes_missing(page_round_up(size), there);
}

static int file_truncate(struct buffer *buffer, off_t size)
{
	return ftruncate(buffer->file, size) ? -errno : 0;
}

static int reserve_pages(int file, int mode, off_t offset, off_t length)
{
	return fallocate(file, mode & FALLOC_FL_KEEP_SIZE, offset, length) ? -errno : 0;
}

static int punch_hole(int file, off_t offset, off_t length)
{
	int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	return fallocate(file, mode, offset, length) ? -errno : 0;
}

/*
 * tmpfs knows no FALLOC_FL_ZERO_RANGE. Reserving comes first, without growing
 * the file, so that nothing has changed when memory runs out; punching is what
 * zeroes, and gives the memory up for a moment.
 */
static int zero_range(int file, int mode, off_t offset, off_t length)
{
	int err = reserve_pages(file, FALLOC_FL_KEEP_SIZE, offset, length);

	if (!err)
		err = punch_hole(file, offset, length);
	if (!err)
		err = reserve_pages(file, mode, offset, length);
	return err;
}

static int file_allocate(struct buffer *buffer, int mode, off_t offset, off_t length)
{
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return punch_hole(buffer->file, offset, length);
	if (mode & FALLOC_FL_ZERO_RANGE)
		return zero_range(buffer->file, mode, offset, length);
	return reserve_pages(buffer->file, mode, offset, length);
}

/*
 * A map of its own for each window: pages are pinned and let go by the piece,
 * and nothing is left that could outlive the file's next truncation. Nor is a
 * look at memory safe from it; that is for the kernel to touch, which answers
 * EFAULT where we would get a signal.
 */
static int file_open_window(struct buffer *buffer, struct buffer_window *window, off_t offset)
{
	uint64_t begin = page_round_down((uint64_t)offset), end = (uint64_t)offset + window->size;
	int protection = PROT_READ | (window->access.write ? PROT_WRITE : 0);
	void *map;

	if (window->size == 0)
		return 0;
	map = mmap(NULL, end - begin, protection, MAP_SHARED, buffer->file, (off_t)begin);
	if (map == MAP_FAILED)
		return -errno;
	/* A refusal is fine: the pages are small then. */
	if (buffer->heap->large_pages)
		madvise(map, end - begin, MADV_HUGEPAGE);
	window->map = map;
	window->map_size = end - begin;
	window->bytes = window->map + ((uint64_t)offset - begin);
	return 0;
}

static int file_close_window(struct buffer *buffer, struct buffer_window *window)
{
	(void)buffer;
	if (window->map)
		munmap(window->map, window->map_size);
	return 0;
}

/*
 * The file gets as long as it is to be, which is where lack of memory is told;
 * the pages come with the bytes. Taking them beforehand would take as long as
 * a good disk needs to fill them, and the disk would wait meanwhile.
 */
static int file_begin_fill(struct buffer *buffer, struct buffer_fill *fill)
{
	const uint64_t end = (uint64_t)fill->offset + fill->length;

	fill->old_size = fill->set_size = (uint64_t)file_size(buffer);
	if (end <= fill->old_size)
		return 0;
	fill->set_size = end;
	return buffer->ops->truncate(buffer, (off_t)end);
}

static int file_finish_fill(struct buffer *buffer, uint64_t size, uint64_t waste,
			    uint64_t waste_end)
{
	int err = 0;

	if ((uint64_t)file_size(buffer) != size)
		err = file_truncate(buffer, (off_t)size);
	/* Where somebody else has made it longer meanwhile. */
	if (!err && waste < waste_end && waste < size)
		err = punch_hole(buffer->file, (off_t)waste, (off_t)(waste_end - waste));
	return err;
}

static void file_release(struct buffer *buffer)
{
	close(buffer->file);
}

/*
 * On the mount's own tmpfs: the file's limits, blocks and times are the
 * kernel's, and the tree shows them.
 */

/* tmpfs itself would let a sparse file promise more than there is. */
static int check_tree_has(int file, uint64_t bytes)
{
	struct statfs fs;

	if (fstatfs(file, &fs))
		return -errno;
	if (fs.f_blocks == 0) /* no limit */
		return 0;
	return bytes / fs.f_bsize > fs.f_bfree ? -ENOSPC : 0;
}

static int tree_truncate(struct buffer *buffer, off_t size)
{
	struct stat st;
	uint64_t more;
	int err = 0;

	if (fstat(buffer->file, &st))
		return -errno;
	more = growth(&st, size);
	if (more)
		err = check_tree_has(buffer->file, more);
	return err ? err : file_truncate(buffer, size);
}

static void tree_stat(struct buffer *buffer, struct stat *st)
{
	(void)buffer;
	(void)st;
}

static int tree_set_times(struct buffer *buffer, const struct timespec times[2])
{
	(void)buffer;
	(void)times;
	return 0;
}

static void tree_settle(struct buffer *buffer)
{
	(void)buffer;
}

const struct memory_ops memory_tree_file = {
	.state = BUFFER_SIZED_BY_KERNEL,
	.read = file_read,
	.write = file_write,
	.seek = file_seek,
	.stat = tree_stat,
	.size = file_size,
	.capacity = file_capacity,
	.set_times = tree_set_times,
	.copy = file_copy,
	.truncate = tree_truncate,
	.allocate = file_allocate,
	.open_window = file_open_window,
	.close_window = file_close_window,
	.begin_fill = file_begin_fill,
	.finish_fill = file_finish_fill,
	.settle = tree_settle,
	.release = file_release,
};

/*
 * A file of the buffer's own, which no filesystem limits: the budget does, see
 * charge.h.
 */

static void put_charge_right(struct buffer *buffer, uint64_t reserved)
{
	charge_settle(&buffer->charge, reserved, file_capacity(buffer));
}

/* Bytes held below @end; what fallocate() was asked for beyond may be there, and does not count. */
static uint64_t bytes_held_below(struct buffer *buffer, const struct stat *st, uint64_t end)
{
	uint64_t held = bytes_held(st);
	uint64_t beyond = bytes_missing(page_round_up(buffer->promised), end);

	return held > beyond ? held - beyond : 0;
}

/*
 * What filling [offset, offset + size) can take at most: the whole range, but
 * no more than the file lacks of being without holes.
 */
static int reserve_range(struct buffer *buffer, off_t offset, off_t size, uint64_t *reserved)
{
	uint64_t end = (uint64_t)offset + (uint64_t)size;
	uint64_t range = page_round_up(end) - page_round_down((uint64_t)offset);
	uint64_t file_end, holes;
	struct stat st;

	if (fstat(buffer->file, &st))
		return -errno;
	file_end = page_round_up(larger(st.st_size, end));
	holes = bytes_missing(file_end, bytes_held_below(buffer, &st, file_end));
	*reserved = range < holes ? range : holes;
	return charge_reserve(&buffer->charge, *reserved);
}

/* As reserve_range(), making @size smaller until it fits. */
static int reserve_some(struct buffer *buffer, off_t offset, size_t *size, uint64_t *reserved)
{
	int err = reserve_range(buffer, offset, (off_t)*size, reserved);

	while (err == -ENOSPC && *size > 1) {
		*size /= 2;
		err = reserve_range(buffer, offset, (off_t)*size, reserved);
	}
	return err;
}

static ssize_t own_write(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	uint64_t reserved;
	int err = reserve_some(buffer, offset, &size, &reserved);
	ssize_t n;

	if (err)
		return err;
	n = file_write(buffer, data, size, offset);
	put_charge_right(buffer, reserved);
	return n;
}

static ssize_t own_copy(struct buffer *from, off_t from_offset, struct buffer *to, off_t to_offset,
			size_t size)
{
	uint64_t reserved;
	int err = reserve_some(to, to_offset, &size, &reserved);
	ssize_t n;

	if (err)
		return err;
	n = file_copy(from, from_offset, to, to_offset, size);
	put_charge_right(to, reserved);
	return n;
}

static int own_truncate(struct buffer *buffer, off_t size)
{
	struct stat st;
	int err;

	if (fstat(buffer->file, &st))
		return -errno;
	if (growth(&st, size) > budget_left(buffer->budget))
		return -ENOSPC;
	err = file_truncate(buffer, size);
	if (!err)
		buffer->promised = 0;
	put_charge_right(buffer, 0);
	return err;
}

static int own_allocate(struct buffer *buffer, int mode, off_t offset, off_t length)
{
	uint64_t reserved = 0;
	int err = 0;

	if (!(mode & FALLOC_FL_PUNCH_HOLE))
		err = reserve_range(buffer, offset, length, &reserved);
	if (err)
		return err;
	err = file_allocate(buffer, mode, offset, length);
	if (!err && !(mode & FALLOC_FL_PUNCH_HOLE))
		buffer->promised = larger(buffer->promised, (uint64_t)offset + (uint64_t)length);
	put_charge_right(buffer, reserved);
	return err;
}

static void own_stat(struct buffer *buffer, struct stat *st)
{
	struct stat file;

	if (fstat(buffer->file, &file))
		return;
	charge_settle(&buffer->charge, 0, bytes_held(&file));
	st->st_size = file.st_size;
	st->st_blocks = file.st_blocks;
	stat_take_later_times(st, &file);
}

static int own_set_times(struct buffer *buffer, const struct timespec times[2])
{
	return futimens(buffer->file, times) ? -errno : 0;
}

/* What the window's pages may take is reserved as long as it is open. */
static int own_open_window(struct buffer *buffer, struct buffer_window *window, off_t offset)
{
	int err = 0;

	if (window->access.write)
		err = reserve_range(buffer, offset, (off_t)window->size, &window->reserved);
	if (err)
		return err;
	err = file_open_window(buffer, window, offset);
	if (err && window->access.write)
		put_charge_right(buffer, window->reserved);
	return err;
}

static int own_close_window(struct buffer *buffer, struct buffer_window *window)
{
	int err = file_close_window(buffer, window);

	if (window->access.write)
		put_charge_right(buffer, window->reserved);
	return err;
}

static int own_finish_fill(struct buffer *buffer, uint64_t size, uint64_t waste,
			   uint64_t waste_end)
{
	int err = file_finish_fill(buffer, size, waste, waste_end);

	put_charge_right(buffer, 0);
	return err;
}

static void own_settle(struct buffer *buffer)
{
	put_charge_right(buffer, 0);
}

const struct memory_ops memory_own_file = {
	.state = BUFFER_SIZED_BY_KERNEL,
	.read = file_read,
	.write = own_write,
	.seek = file_seek,
	.stat = own_stat,
	.size = file_size,
	.capacity = file_capacity,
	.set_times = own_set_times,
	.copy = own_copy,
	.truncate = own_truncate,
	.allocate = own_allocate,
	.open_window = own_open_window,
	.close_window = own_close_window,
	.begin_fill = file_begin_fill,
	.finish_fill = own_finish_fill,
	.export = own_file_export,
	.settle = own_settle,
	.release = file_release,
};
