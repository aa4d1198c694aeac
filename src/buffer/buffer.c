// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A buffer's life, its lock, and the checks that all kinds of memory share.
 * What the calls do is in memory_*.c.
 */
#include "buffer/buffer.h"

#include "buffer/fair_lock.h"
#include "buffer/hold.h"
#include "buffer/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#define OFFSET_MAX INT64_MAX

uint64_t page_round_down(uint64_t bytes)
{
	return bytes & ~((uint64_t)sysconf(_SC_PAGESIZE) - 1);
}

uint64_t page_round_up(uint64_t bytes)
{
	return page_round_down(bytes + (uint64_t)sysconf(_SC_PAGESIZE) - 1);
}

static int take_file(struct buffer *buffer, const struct memory_ops *ops, int file)
{
	if (file < 0)
		return file;
	buffer->ops = ops;
	buffer->file = file;
	return 0;
}

/* Gives the new buffer its kind of memory. @file belongs to it also on error. */
static int attach_memory(struct buffer *buffer, int file)
{
	const struct heap_ops *heap = buffer->heap->ops;

	switch (heap->memory) {
	case HEAP_TREE_FILE:
		return take_file(buffer, &memory_tree_file, file);
	case HEAP_OWN_FILE:
		return take_file(buffer, &memory_own_file, heap->alloc(buffer->heap, 0));
	case HEAP_PAGES:
		buffer->ops = &memory_pages;
	}
	return 0;
}

static void init_parts(struct buffer *buffer)
{
	fair_lock_init(&buffer->lock);
	charge_init(&buffer->charge, buffer->budget);
	bracket_init(&buffer->bracket);
	data_times_init(&buffer->times);
	pages_init(&buffer->pages);
	pages_init(&buffer->discarded);
}

static void finish_parts(struct buffer *buffer)
{
	charge_finish(&buffer->charge);
	bracket_finish(&buffer->bracket);
	data_times_finish(&buffer->times);
	pthread_rwlock_destroy(&buffer->lock);
}

int buffer_create(struct buffer **created, struct heap *heap, struct budget *budget, int file)
{
	struct buffer *buffer = calloc(1, sizeof(*buffer));
	int err;

	if (!buffer) {
		close_fd(file);
		return -ENOMEM;
	}
	buffer->heap = heap;
	buffer->budget = budget;
	buffer->file = -1;
	err = attach_memory(buffer, file);
	if (err) {
		free(buffer);
		return err;
	}
	init_parts(buffer);
	*created = buffer;
	return 0;
}

void buffer_destroy(struct buffer *buffer)
{
	if (!buffer)
		return;
	buffer->ops->release(buffer);
	finish_parts(buffer);
	free(buffer);
}

int buffer_check_range(off_t offset, size_t size)
{
	if (offset < 0)
		return -EINVAL;
	return size > (uint64_t)(OFFSET_MAX - offset) ? -EFBIG : 0;
}

ssize_t buffer_read(struct buffer *buffer, void *data, size_t size, off_t offset)
{
	int err = buffer_check_range(offset, size);

	if (err || size == 0)
		return err;
	with_shared(buffer);
	return buffer->ops->read(buffer, data, size, offset);
}

static bool try_write(struct buffer *buffer, const void *data, size_t size, off_t offset,
		      ssize_t *result)
{
	const struct memory_ops *ops;

	with_shared(buffer);
	ops = buffer->ops;
	if (ops->is_ready && !ops->is_ready(buffer, size, offset))
		return false;
	*result = ops->write(buffer, data, size, offset);
	return true;
}

static ssize_t write_alone(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	ssize_t n;
	int err;

	with_exclusive(buffer);
	err = buffer->ops->make_room(buffer, (uint64_t)offset + size);
	n = buffer->ops->write(buffer, data, size, offset);
	return n == -ENOSPC && err ? err : n;
}

ssize_t buffer_write(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	ssize_t n = buffer_check_range(offset, size);

	if (n || size == 0 || try_write(buffer, data, size, offset, &n))
		return n;
	return write_alone(buffer, data, size, offset);
}

int buffer_truncate(struct buffer *buffer, off_t size)
{
	if (size < 0)
		return -EINVAL;
	with_exclusive(buffer);
	return buffer->ops->truncate(buffer, size);
}

static bool is_known_mode(int mode)
{
	switch (mode) {
	case 0:
	case FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_ZERO_RANGE:
	case FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE:
		return true;
	default:
		return false;
	}
}

int buffer_allocate(struct buffer *buffer, int mode, off_t offset, off_t length)
{
	int err;

	if (length <= 0)
		return -EINVAL;
	err = buffer_check_range(offset, (size_t)length);
	if (err)
		return err;
	if (!is_known_mode(mode))
		return -EOPNOTSUPP;
	with_exclusive(buffer);
	return buffer->ops->allocate(buffer, mode, offset, length);
}

off_t buffer_seek(struct buffer *buffer, off_t offset, int whence)
{
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	if (offset < 0)
		return -ENXIO;
	with_shared(buffer);
	return buffer->ops->seek(buffer, offset, whence);
}

/* Of a file of the tree the kernel knows all, and nobody waits for who gives it gigabytes. */
void buffer_stat(struct buffer *buffer, struct stat *st)
{
	if (buffer->heap->ops->memory == HEAP_TREE_FILE)
		return;
	with_shared(buffer);
	buffer->ops->stat(buffer, st);
}

uint64_t buffer_size(struct buffer *buffer)
{
	with_shared(buffer);
	const off_t size = buffer->ops->size(buffer);

	return size < 0 ? 0 : (uint64_t)size;
}

int buffer_set_times(struct buffer *buffer, const struct timespec times[2])
{
	with_shared(buffer);
	return buffer->ops->set_times(buffer, times);
}

uint64_t buffer_capacity(struct buffer *buffer)
{
	with_shared(buffer);
	return buffer->ops->capacity(buffer);
}

static int tell_state(void *context, enum buffer_state state, int file)
{
	(void)file;
	*(enum buffer_state *)context = state;
	return 0;
}

/* As with buffer_stat(). */
enum buffer_state buffer_state(struct buffer *buffer)
{
	enum buffer_state state = BUFFER_SIZED_BY_KERNEL;

	if (buffer->heap->ops->memory == HEAP_TREE_FILE)
		return state;
	buffer_visit(buffer, tell_state, &state);
	return state;
}

bool buffer_has_large_pages(struct buffer *buffer)
{
	return buffer->heap->large_pages && buffer_state(buffer) == BUFFER_SIZED_BY_KERNEL;
}

int buffer_visit(struct buffer *buffer, buffer_visitor *visit, void *context)
{
	with_shared(buffer);
	const enum buffer_state state = buffer->ops->state;

	if (state != BUFFER_PAGES)
		return visit(context, state, buffer->file);
	if (buffer->pages.dmabuf < 0)
		return visit(context, BUFFER_EMPTY, -1);
	return visit(context, BUFFER_PAGES, buffer->pages.dmabuf);
}

void buffer_on_move(struct buffer *buffer, buffer_mover *move, void *context)
{
	buffer->move = move;
	buffer->move_context = context;
}

void buffer_lend(struct buffer *buffer)
{
	atomic_store(&buffer->lent, true);
}

int buffer_export(struct buffer *buffer)
{
	with_exclusive(buffer);
	return buffer->ops->export ? buffer->ops->export(buffer) : -ENOTSUP;
}

/* What the dma-buf has; the position of others who share it does not matter to them. */
static int capacity_of(int dmabuf, size_t *capacity)
{
	const off_t end = lseek(dmabuf, 0, SEEK_END);

	if (end <= 0)
		return end ? -errno : -EINVAL;
	*capacity = (size_t)end;
	return page_round_up(*capacity) == *capacity ? 0 : -EINVAL;
}

int buffer_import(struct buffer *buffer, int fd)
{
	size_t capacity = 0;
	int err = capacity_of(fd, &capacity);
	with_exclusive(buffer);

	if (!err)
		err = buffer->ops->import ? buffer->ops->import(buffer, fd, capacity) : -ENOTSUP;
	if (err)
		close_fd(fd);
	return err;
}

bool buffer_is_exported(struct buffer *buffer)
{
	with_shared(buffer);
	return buffer->exported;
}

int buffer_stat_memory(struct buffer *buffer, struct stat *st)
{
	with_shared(buffer);
	const int fd = buffer->pages.dmabuf < 0 ? buffer->file : buffer->pages.dmabuf;

	if (fd < 0)
		return -ENODATA;
	return fstat(fd, st) ? -errno : 0;
}

/* Opened anew: a copy of our fd could be written to. */
static int reopen_read_only(void *context, enum buffer_state state, int file)
{
	char path[32];

	(void)context;
	if (state != BUFFER_SIZED_BY_KERNEL && state != BUFFER_PINNED_FILE)
		return -ENOTSUP;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int buffer_open_memory(struct buffer *buffer)
{
	return buffer_visit(buffer, reopen_read_only, NULL);
}

void buffer_settle(struct buffer *buffer)
{
	with_exclusive(buffer);
	buffer->ops->settle(buffer);
}
