// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copies from one buffer to another, or within one: by what their memory can do
 * itself, else through a piece of memory between them.
 */
#include "buffer/buffer.h"
#include "buffer/hold.h"
#include "buffer/memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

/* The most that one copy moves before its caller can be interrupted. */
#define COPY_LIMIT  (128u << 20)
#define BOUNCE_SIZE (256u << 10) /* stays in the cache between its two copies */

static size_t smaller(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
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

/* How much of @size there is; asked once, for a copy within one buffer may move its end. */
static size_t bytes_from(struct buffer *from, off_t from_offset, size_t size)
{
	off_t end;

	with_shared(from);
	end = from->ops->size(from);
	return end > from_offset ? smaller(size, (uint64_t)(end - from_offset)) : 0;
}

/* One move for all the pieces to come. Where it fails, they will say so themselves. */
static void prepare_room(struct buffer *to, off_t to_offset, size_t size)
{
	with_exclusive(to);
	if (to->ops->make_room)
		to->ops->make_room(to, (uint64_t)to_offset + size);
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
	int err = buffer_check_range(to_offset, size);
	ssize_t n;

	if (!err)
		err = buffer_check_range(from_offset, 0);
	if (!err && from == to && overlap(from_offset, to_offset, size))
		err = -EINVAL;
	if (err)
		return err;
	size = bytes_from(from, from_offset, smaller(size, COPY_LIMIT));
	if (size == 0)
		return 0;
	n = copy_directly(from, from_offset, to, to_offset, size);
	if (n != -EOPNOTSUPP)
		return n;
	prepare_room(to, to_offset, size);
	return copy_by_bouncing(from, from_offset, to, to_offset, size);
}
