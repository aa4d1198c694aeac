// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A buffer's life, its lock, and the checks that all kinds of memory share.
 * What the calls do is in memory_*.c.
 */
#include "buffer/buffer.h"

#include "buffer/memory.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

/* The most that one copy moves before its caller can be interrupted. */
#define COPY_LIMIT  (128u << 20)
#define BOUNCE_SIZE (256u << 10) /* stays in the cache between its two copies */
#define OFFSET_MAX  INT64_MAX

uint64_t page_round_down(uint64_t bytes)
{
	return bytes & ~((uint64_t)sysconf(_SC_PAGESIZE) - 1);
}

uint64_t page_round_up(uint64_t bytes)
{
	return page_round_down(bytes + (uint64_t)sysconf(_SC_PAGESIZE) - 1);
}

static pthread_rwlock_t *share(struct buffer *buffer)
{
	pthread_rwlock_rdlock(&buffer->lock);
	return &buffer->lock;
}

static pthread_rwlock_t *own(struct buffer *buffer)
{
	pthread_rwlock_wrlock(&buffer->lock);
	return &buffer->lock;
}

static void scope_release(pthread_rwlock_t **lock)
{
	pthread_rwlock_unlock(*lock);
}

/* Hold the buffer to the end of the enclosing block. */
#define with_shared(buffer) \
	__attribute__((unused)) scope(release) pthread_rwlock_t *held = share(buffer)
#define with_exclusive(buffer) \
	__attribute__((unused)) scope(release) pthread_rwlock_t *held = own(buffer)

/* glibc's default would let a stream of readers keep a truncate out for ever. */
static void init_lock(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
}

/* Gives the new buffer its kind of memory. @file belongs to it also on error. */
static int attach_memory(struct buffer *buffer, int file)
{
	struct heap *heap = buffer->heap;

	switch (heap->ops->memory) {
	case HEAP_TREE_FILE:
		buffer->ops = &memory_tree_file;
		break;
	case HEAP_OWN_FILE:
		buffer->ops = &memory_own_file;
		file = heap->ops->alloc(heap, 0);
		break;
	default:
		return -ENOTSUP;
	}
	if (file < 0)
		return file;
	buffer->file = file;
	charge_init(&buffer->charge, buffer->budget);
	return 0;
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
	init_lock(&buffer->lock);
	*created = buffer;
	return 0;
}

void buffer_destroy(struct buffer *buffer)
{
	if (!buffer)
		return;
	buffer->ops->release(buffer);
	pthread_rwlock_destroy(&buffer->lock);
	free(buffer);
}

/* As the kernel's own checks before a read or write. */
static int check_range(off_t offset, size_t size)
{
	if (offset < 0)
		return -EINVAL;
	return size > (uint64_t)(OFFSET_MAX - offset) ? -EFBIG : 0;
}

ssize_t buffer_read(struct buffer *buffer, void *data, size_t size, off_t offset)
{
	int err = check_range(offset, size);

	if (err || size == 0)
		return err;
	with_shared(buffer);
	return buffer->ops->read(buffer, data, size, offset);
}

ssize_t buffer_write(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	int err = check_range(offset, size);

	if (err || size == 0)
		return err;
	with_shared(buffer);
	return buffer->ops->write(buffer, data, size, offset);
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
	err = check_range(offset, (size_t)length);
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

static void share_both(struct buffer *a, struct buffer *b)
{
	share(a < b ? a : b);
	if (a != b)
		share(a < b ? b : a);
}

static void release_both(struct buffer *a, struct buffer *b)
{
	pthread_rwlock_unlock(&a->lock);
	if (a != b)
		pthread_rwlock_unlock(&b->lock);
}

static ssize_t copy_directly(struct buffer *from, off_t from_offset, struct buffer *to,
			     off_t to_offset, size_t size)
{
	ssize_t n = -EOPNOTSUPP;

	share_both(from, to);
	if (from->ops == to->ops && from->ops->copy)
		n = from->ops->copy(from, from_offset, to, to_offset, size);
	release_both(from, to);
	return n;
}

static ssize_t bounce_once(char *bounce, struct buffer *from, off_t from_offset, struct buffer *to,
			   off_t to_offset, size_t size)
{
	size_t piece = size < BOUNCE_SIZE ? size : BOUNCE_SIZE;
	ssize_t n = buffer_read(from, bounce, piece, from_offset);

	return n > 0 ? buffer_write(to, bounce, (size_t)n, to_offset) : n;
}

static ssize_t copy_by_bouncing(struct buffer *from, off_t from_offset, struct buffer *to,
				off_t to_offset, size_t size)
{
	scope(free) char *bounce = malloc(BOUNCE_SIZE);
	size_t done = 0;

	if (!bounce)
		return -ENOMEM;
	while (done < size) {
		ssize_t n = bounce_once(bounce, from, from_offset + (off_t)done, to,
					to_offset + (off_t)done, size - done);

		if (n <= 0)
			return done ? (ssize_t)done : n;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static bool overlap(off_t a, off_t b, size_t size)
{
	return a < b ? (uint64_t)(b - a) < size : (uint64_t)(a - b) < size;
}

ssize_t buffer_copy(struct buffer *from, off_t from_offset, struct buffer *to, off_t to_offset,
		    size_t size)
{
	int err = check_range(to_offset, size);
	ssize_t n;

	if (!err)
		err = check_range(from_offset, 0);
	if (!err && from == to && overlap(from_offset, to_offset, size))
		err = -EINVAL;
	if (err || size == 0)
		return err;
	if (size > COPY_LIMIT)
		size = COPY_LIMIT;
	n = copy_directly(from, from_offset, to, to_offset, size);
	if (n != -EOPNOTSUPP)
		return n;
	return copy_by_bouncing(from, from_offset, to, to_offset, size);
}

void buffer_stat(struct buffer *buffer, struct stat *st)
{
	with_shared(buffer);
	buffer->ops->stat(buffer, st);
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

enum buffer_state buffer_state(struct buffer *buffer)
{
	with_shared(buffer);
	return buffer->ops->state;
}

int buffer_passthrough_file(struct buffer *buffer)
{
	return buffer->file;
}

int buffer_export(struct buffer *buffer)
{
	(void)buffer;
	return -ENOTSUP;
}

void buffer_settle(struct buffer *buffer)
{
	with_exclusive(buffer);
	buffer->ops->settle(buffer);
}
