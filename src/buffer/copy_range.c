// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * buffer_copy(): between two buffers or within one, by the operations of their
 * memory if possible, else through a bounce buffer.
 */
#include "buffer/lock.h"
#include "util/math.h"

#include <errno.h>

/* The most that one call copies, so that its caller can be interrupted. */
#define COPY_LIMIT  (128u << 20)
#define BOUNCE_SIZE (256u << 10) /* fits into the CPU's cache between the two copies */

static void lock_both(struct buffer *a, struct buffer *b)
{
	buffer_lock_shared(a < b ? a : b);
	if (a != b)
		buffer_lock_shared(a < b ? b : a);
}

static void unlock_both(struct buffer *a, struct buffer *b)
{
	buffer_unlock_shared(a);
	if (a != b)
		buffer_unlock_shared(b);
}

static ssize_t copy_by_memory(struct buffer *from, off_t from_offset, struct buffer *to,
			      off_t to_offset, size_t size)
{
	ssize_t n = -EOPNOTSUPP;

	lock_both(from, to);
	if (from->ops == to->ops && from->ops->copy)
		n = from->ops->copy(from, from_offset, to, to_offset, size);
	unlock_both(from, to);
	return n;
}

static ssize_t bounce_once(char *bounce, struct buffer *from, off_t from_offset, struct buffer *to,
			   off_t to_offset, size_t size)
{
	const ssize_t n = buffer_read(from, bounce, min_u64(size, BOUNCE_SIZE), from_offset);

	return n > 0 ? buffer_write(to, bounce, (size_t)n, to_offset) : n;
}

/* The bytes to copy. Determined once, since a copy within one buffer may move its end. */
static size_t bytes_from(struct buffer *from, off_t from_offset, size_t size)
{
	guard(buffer_shared)(from);
	const off_t end = from->ops->size(from);

	return end > from_offset ? min_u64(size, (uint64_t)(end - from_offset)) : 0;
}

/* Makes room once for all pieces. If that fails, the pieces report it. */
static void prepare_room(struct buffer *to, off_t to_offset, size_t size)
{
	guard(buffer_exclusive)(to);
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
		const ssize_t n = bounce_once(bounce, from, from_offset + (off_t)done, to,
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
	int error = buffer_check_range(to_offset, size) ?: buffer_check_range(from_offset, 0);

	if (!error && from == to && overlap(from_offset, to_offset, size))
		error = -EINVAL;
	if (error)
		return error;
	size = bytes_from(from, from_offset, min_u64(size, COPY_LIMIT));
	if (size == 0)
		return 0;
	error = quota_enter(to->quota, size);
	if (error)
		return error;
	const ssize_t n = copy_by_memory(from, from_offset, to, to_offset, size);

	quota_leave(to->quota, size);
	if (n != -EOPNOTSUPP)
		return n;
	prepare_room(to, to_offset, size);
	return copy_by_bouncing(from, from_offset, to, to_offset, size);
}
