// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory of a fixed number of pages, with the file's size kept here.
 *
 * Bytes between size and capacity are zero: the heap zeroes new memory, only
 * write() raises the size past bytes it has written, and truncate() zeroes what
 * it cuts off. Memory that is exported or lent has other writers, who see the
 * whole of it; so there the gap is zeroed once more when the size moves over it.
 * Only fallocate() never touches a byte that is not asked for.
 */
#include "buffer/memory.h"
#include "buffer/pages_io.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void raise_size(struct buffer *buffer, uint64_t size)
{
	uint64_t old = atomic_load(&buffer->size);

	while (old < size && !atomic_compare_exchange_weak(&buffer->size, &old, size))
		;
}

ssize_t pages_read(struct buffer *buffer, void *data, size_t size, off_t offset)
{
	uint64_t end = atomic_load(&buffer->size);
	int err;

	if ((uint64_t)offset >= end)
		return 0;
	if (size > end - (uint64_t)offset)
		size = end - (uint64_t)offset;
	err = pages_get(buffer, data, size, offset);
	if (err)
		return err;
	data_times_touch_read(&buffer->times);
	return (ssize_t)size;
}

/* The size goes up even after an error: nothing beyond it may be dirty. */
static int put(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	size_t moved;
	int err = pages_put(buffer, data, size, offset, &moved);

	if (!moved)
		return err;
	raise_size(buffer, (uint64_t)offset + moved);
	data_times_touch_written(&buffer->times);
	return err;
}

static bool has_other_writers(struct buffer *buffer)
{
	return buffer->exported || atomic_load(&buffer->lent);
}

/* What is being filled does not count for the size yet, and is no gap. */
static bool leaves_foreign_gap(struct buffer *buffer, off_t offset)
{
	return has_other_writers(buffer) && (uint64_t)offset > pages_used(buffer);
}

ssize_t pages_write(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	uint64_t room = buffer->pages.capacity;
	int err = 0;

	if ((uint64_t)offset >= room)
		return -ENOSPC;
	if (size > room - (uint64_t)offset)
		size = room - (uint64_t)offset;
	if (leaves_foreign_gap(buffer, offset))
		err = pages_zero(buffer, pages_used(buffer), (uint64_t)offset);
	if (!err)
		err = put(buffer, data, size, offset);
	return err ? err : (ssize_t)size;
}

/* A gap is zeroed by a write that is alone, or it would wipe out another's bytes. */
bool pages_is_ready(struct buffer *buffer, size_t size, off_t offset)
{
	return (uint64_t)offset + size <= buffer->pages.capacity &&
	       !leaves_foreign_gap(buffer, offset);
}

static int tell_refusal(struct buffer *buffer, int err)
{
	if (err != -EBUSY || !buffer->exported || buffer->refusal_told)
		return err;
	buffer->refusal_told = true;
	log_warning("a buffer of %zu bytes is exported as a dma-buf and can't grow; write a new "
		    "file and rename it over the old one",
		    buffer->pages.capacity);
	return err;
}

int pages_make_room(struct buffer *buffer, uint64_t end)
{
	return tell_refusal(buffer, pages_grow(buffer, end));
}

static int shrink(struct buffer *buffer, uint64_t size, uint64_t old_size)
{
	if (pages_trim(buffer, size))
		return 0;
	return pages_zero(buffer, size,
			  has_other_writers(buffer) ? buffer->pages.capacity : old_size);
}

/* Memory that is new has nobody's bytes in it. */
static int extend(struct buffer *buffer, uint64_t size, uint64_t old_size)
{
	uint64_t old_capacity = buffer->pages.capacity;
	int err = tell_refusal(buffer, pages_reserve(buffer, size));

	if (err || !has_other_writers(buffer))
		return err;
	return pages_zero(buffer, old_size, size < old_capacity ? size : old_capacity);
}

int pages_truncate(struct buffer *buffer, off_t size)
{
	uint64_t old_size = atomic_load(&buffer->size), new_size = (uint64_t)size;
	int err;

	if (new_size > old_size)
		err = extend(buffer, new_size, old_size);
	else
		err = shrink(buffer, new_size, old_size);
	if (err)
		return err;
	atomic_store(&buffer->size, new_size);
	buffer->promised = 0;
	buffer->trimmed = false;
	data_times_touch_written(&buffer->times);
	return 0;
}

/*
 * Where others write the memory past this process, they ask for room by
 * fallocate: at 0 for all of a copy, further on for what one write appends.
 * And what they have filled of it they tell by fallocate without KEEP_SIZE.
 */
static int reserve(struct buffer *buffer, int mode, uint64_t begin, uint64_t end)
{
	const bool appends = buffer->move && begin && mode & FALLOC_FL_KEEP_SIZE;
	const bool filled = buffer->move && !(mode & FALLOC_FL_KEEP_SIZE);
	int err = tell_refusal(buffer,
			       appends ? pages_grow(buffer, end) : pages_reserve(buffer, end));

	if (!err && (filled || end > buffer->promised))
		buffer->promised = end;
	return err;
}

int pages_allocate(struct buffer *buffer, int mode, off_t offset, off_t length)
{
	uint64_t end = (uint64_t)offset + (uint64_t)length;
	int err = 0;

	if (!(mode & FALLOC_FL_PUNCH_HOLE))
		err = reserve(buffer, mode, (uint64_t)offset, end);
	if (!err && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		err = pages_zero(buffer, (uint64_t)offset, end);
	if (err)
		return err;
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		raise_size(buffer, end);
	data_times_touch_written(&buffer->times);
	return 0;
}

/* There are no holes but the one at the end of every file. */
off_t pages_seek(struct buffer *buffer, off_t offset, int whence)
{
	off_t size = (off_t)atomic_load(&buffer->size);

	if (offset >= size)
		return -ENXIO;
	return whence == SEEK_DATA ? offset : size;
}

void pages_stat(struct buffer *buffer, struct stat *st)
{
	st->st_size = (off_t)atomic_load(&buffer->size);
	st->st_blocks = (blkcnt_t)(buffer->pages.capacity / 512);
	data_times_show(&buffer->times, st);
}

off_t pages_size(struct buffer *buffer)
{
	return (off_t)atomic_load(&buffer->size);
}

uint64_t pages_capacity(struct buffer *buffer)
{
	return buffer->pages.capacity;
}

int pages_set_times(struct buffer *buffer, const struct timespec times[2])
{
	(void)times;
	data_times_forget(&buffer->times);
	return 0;
}

int pages_open_window(struct buffer *buffer, struct buffer_window *window, off_t offset)
{
	uint64_t room = buffer->pages.capacity;
	int err;

	if ((uint64_t)offset >= room)
		window->size = 0;
	else if (window->size > room - (uint64_t)offset)
		window->size = room - (uint64_t)offset;
	if (window->size == 0)
		return 0;
	window->access.heap = buffer->heap;
	window->access.fd = buffer->pages.dmabuf;
	err = pages_map(&buffer->pages, &window->bytes);
	if (!err)
		err = cpu_access_begin(&window->access);
	window->bytes += err ? 0 : offset;
	return err;
}

int pages_close_window(struct buffer *buffer, struct buffer_window *window)
{
	(void)buffer;
	return window->size ? cpu_access_end(&window->access) : 0;
}

/* Room for all that is to come is worth a try: it saves a move, and memory for two. */
static int reserve_for_fill(struct buffer *buffer, const struct buffer_fill *fill, uint64_t end)
{
	const uint64_t begin = (uint64_t)fill->offset;
	const bool more = fill->room > fill->length && fill->room <= INT64_MAX - begin;

	if (more && !pages_reserve(buffer, begin + fill->room))
		return 0;
	return tell_refusal(buffer, begin && !fill->room ? pages_reserve_ahead(buffer, end)
							 : pages_reserve(buffer, end));
}

int pages_begin_fill(struct buffer *buffer, struct buffer_fill *fill)
{
	const uint64_t begin = (uint64_t)fill->offset, end = begin + fill->length;
	int err = reserve_for_fill(buffer, fill, end);

	fill->old_size = fill->set_size = atomic_load(&buffer->size);
	if (!err && leaves_foreign_gap(buffer, fill->offset))
		err = pages_zero(buffer, pages_used(buffer), begin);
	if (err)
		return err;
	buffer->fills++;
	if (end > buffer->fills_end)
		buffer->fills_end = end;
	return 0;
}

/* Never less than the size now: nothing before raised it for the fill's sake. */
int pages_finish_fill(struct buffer *buffer, uint64_t size, uint64_t waste, uint64_t waste_end)
{
	int err = pages_zero(buffer, waste < size ? waste : size, waste_end);

	if (--buffer->fills == 0)
		buffer->fills_end = 0;
	atomic_store(&buffer->size, size);
	data_times_touch_written(&buffer->times);
	return err;
}

/* What has to stay when memory is given back. */
static uint64_t needed(const struct buffer *buffer)
{
	return larger(atomic_load(&buffer->size), buffer->promised);
}

int pages_export(struct buffer *buffer)
{
	int fd;

	if (buffer->pages.dmabuf < 0)
		return -ENODATA;
	/* What an appended file has in advance could not be given back any more. */
	if (buffer->trimmed && needed(buffer))
		pages_trim(buffer, needed(buffer));
	fd = fcntl(buffer->pages.dmabuf, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	buffer->exported = true;
	return fd;
}

int pages_import(struct buffer *buffer, int dmabuf, size_t capacity)
{
	int err;

	if (buffer->pages.capacity || atomic_load(&buffer->size) || buffer->fills)
		return -EEXIST;
	err = budget_take(buffer->budget, capacity);
	if (err)
		return err;
	err = buffer->move ? buffer->move(buffer->move_context, dmabuf) : 0;
	if (err) {
		budget_give_back(buffer->budget, capacity);
		return err;
	}
	buffer->pages.file = dmabuf;
	buffer->pages.capacity = capacity;
	pages_set_dmabuf(&buffer->pages, buffer->heap, dmabuf);
	buffer->exported = buffer->imported = true;
	return 0;
}

/* More than growing takes in advance: room for what did not come. */
static bool has_too_much(const struct buffer *buffer)
{
	return buffer->pages.capacity > page_round_up(needed(buffer) + needed(buffer) / 2);
}

/* What is opened again and again to be appended to would move every time, and back. */
static void settle(struct buffer *buffer)
{
	if (buffer->trimmed && !has_too_much(buffer))
		return;
	if (pages_trim(buffer, needed(buffer)))
		buffer->trimmed = needed(buffer) > 0;
}

/* Of what is exported there may be other holders, but not of a dma-buf without one. */
static bool is_held(struct buffer *buffer)
{
	const struct heap_ops *ops = buffer->heap->ops;

	return buffer->exported && !buffer->imported && buffer->pages.dmabuf >= 0 && ops->is_held &&
	       ops->is_held(buffer->heap, buffer->pages.dmabuf);
}

/* What others hold goes on counting, or everybody could have as much as he likes. */
void pages_release(struct buffer *buffer)
{
	struct pages *pages = &buffer->pages;

	pages_unmap(pages);
	if (is_held(buffer)) {
		budget_leave(buffer->budget, buffer->heap, pages->dmabuf, pages->capacity);
		if (pages->file == pages->dmabuf)
			pages->file = -1;
		pages->dmabuf = -1;
	}
	pages_free(pages);
}

static void release(struct buffer *buffer)
{
	const uint64_t capacity = buffer->pages.capacity;

	pages_release(buffer);
	budget_give_back(buffer->budget, capacity);
}

const struct memory_ops memory_pages = {
	.state = BUFFER_PAGES,
	.read = pages_read,
	.write = pages_write,
	.seek = pages_seek,
	.stat = pages_stat,
	.size = pages_size,
	.capacity = pages_capacity,
	.set_times = pages_set_times,
	.open_window = pages_open_window,
	.close_window = pages_close_window,
	.is_ready = pages_is_ready,
	.make_room = pages_make_room,
	.truncate = pages_truncate,
	.allocate = pages_allocate,
	.begin_fill = pages_begin_fill,
	.finish_fill = pages_finish_fill,
	.export = pages_export,
	.import = pages_import,
	.settle = settle,
	.release = release,
};
