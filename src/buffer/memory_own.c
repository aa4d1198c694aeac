// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A memory file of the buffer's own, which no filesystem limits: the budget
 * does, see charge.h.
 */
#include "buffer/memory_file.h"

#include <errno.h>
#include <fcntl.h>

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
	if (!budget_has_room(buffer->budget, file_growth(&st, size)))
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

static int own_finish_fill(struct buffer *buffer, uint64_t size, uint64_t waste, uint64_t waste_end)
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
	.import = own_file_import,
	.settle = own_settle,
	.release = file_release,
};
