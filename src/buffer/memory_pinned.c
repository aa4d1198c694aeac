// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A memory file that has been exported. A dma-buf holds on to the pages the
 * file has at that moment, so from then on the file must keep exactly these:
 * it is filled, rounded up to whole pages and sealed, and the buffer keeps the
 * size that it shows. Punching a hole would part file and dma-buf; nothing
 * here does.
 */
#include "buffer/memory.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/*
 * A map of the file may have written behind its end; within the last page that
 * stays, so it is wiped.
 */
static int wipe_tail(int file, off_t size, size_t capacity)
{
	int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	if ((size_t)size == capacity)
		return 0;
	return fallocate(file, mode, size, (off_t)capacity - size) ? -errno : 0;
}

static int seal(int file)
{
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	return fcntl(file, F_ADD_SEALS, seals) ? -errno : 0;
}

/* Every page allocated, and no other from here on. On an error nothing has changed. */
static int fix_pages(int file, off_t size, size_t capacity)
{
	int err = fallocate(file, 0, 0, (off_t)capacity) ? -errno : 0;

	if (err)
		return err;
	err = wipe_tail(file, size, capacity);
	if (!err)
		err = seal(file);
	if (err && ftruncate(file, size))
		return -errno;
	return err;
}

/* As fix_pages(), with every page paid for. */
static int fix_size(struct buffer *buffer, const struct stat *st, size_t capacity)
{
	uint64_t held = (uint64_t)st->st_blocks * 512;
	uint64_t missing = capacity > held ? capacity - held : 0;
	int err = charge_reserve(&buffer->charge, missing);

	if (err)
		return err;
	err = fix_pages(buffer->file, st->st_size, capacity);
	charge_settle(&buffer->charge, missing, err ? held : capacity);
	return err;
}

static void switch_to_pinned(struct buffer *buffer, const struct stat *st, size_t capacity)
{
	buffer->pages.file = buffer->file;
	buffer->pages.capacity = capacity;
	atomic_store(&buffer->size, (uint64_t)st->st_size);
	data_times_set(&buffer->times, st);
	buffer->exported = true;
	buffer->ops = &memory_pinned_file;
}

static int make_dmabuf(struct buffer *buffer)
{
	struct heap *heap = buffer->heap;
	int fd = heap->ops->export(heap, buffer->file, buffer->pages.capacity);

	if (fd < 0)
		return fd;
	pages_set_dmabuf(&buffer->pages, heap, fd);
	return 0;
}

/* One dma-buf serves all exports: it is what a device's fences hang on. */
static int pinned_export(struct buffer *buffer)
{
	int err = buffer->pages.dmabuf < 0 ? make_dmabuf(buffer) : 0;

	return err ? err : pages_export(buffer);
}

int own_file_export(struct buffer *buffer)
{
	struct heap *heap = buffer->heap;
	struct stat st;
	size_t capacity;
	int err;

	if (fstat(buffer->file, &st))
		return -errno;
	if (st.st_size == 0)
		return -ENODATA;
	capacity = page_round_up((uint64_t)st.st_size);
	err = heap->ops->may_export(heap, capacity);
	if (!err)
		err = fix_size(buffer, &st, capacity);
	if (err)
		return err;
	switch_to_pinned(buffer, &st, capacity);
	return pinned_export(buffer);
}

int own_file_import(struct buffer *buffer, int dmabuf, size_t capacity)
{
	struct stat st;
	int err;

	if (fstat(buffer->file, &st))
		return -errno;
	if (st.st_size || st.st_blocks)
		return -EEXIST;
	err = pages_import(buffer, dmabuf, capacity);
	if (err)
		return err;
	data_times_set(&buffer->times, &st);
	close_fd(steal_fd(&buffer->file));
	buffer->ops = &memory_pages;
	return 0;
}

static void settle(struct buffer *buffer)
{
	(void)buffer;
}

static void release(struct buffer *buffer)
{
	pages_release(buffer); /* the file is in its pages */
}

const struct memory_ops memory_pinned_file = {
	.state = BUFFER_PINNED_FILE,
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
	.export = pinned_export,
	.settle = settle,
	.release = release,
};
