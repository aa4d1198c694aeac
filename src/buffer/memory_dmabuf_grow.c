// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dma-buf never changes its size. To resize a buffer, a new dma-buf is allocated
 * and its bytes are copied. So growing allocates more than it needs, and settle()
 * frees the rest when the last writer has closed the file.
 */
#include "buffer/memory.h"
#include "util/math.h"

#include <errno.h>

#define TRIM_MINIMUM (1u << 20)

/* A surplus below 1/256 of the bytes needed would soon be used up. */
#define LEAST_SURPLUS 256

static int replace_memory(struct buffer *buffer, struct dmabuf *fresh)
{
	const int error = buffer_move(buffer, fresh, -1, false);

	if (error)
		return error;
	dmabuf_free(&buffer->discarded); /* empty, unless one call resizes twice */
	dmabuf_move(&buffer->discarded, &buffer->dmabuf);
	dmabuf_move(&buffer->dmabuf, fresh);
	return 0;
}

/* Moves to new memory with the first @keep bytes in it. The caller adjusts the quota. */
static int move_to(struct buffer *buffer, size_t capacity, size_t keep)
{
	struct dmabuf fresh;
	int error = dmabuf_alloc(&fresh, buffer->heap, capacity);

	if (error)
		return error;
	if (keep)
		error = dmabuf_copy_to(buffer, &fresh, keep);
	if (!error)
		error = replace_memory(buffer, &fresh);
	if (error)
		dmabuf_free(&fresh);
	return error;
}

uint64_t dmabuf_used(struct buffer *buffer)
{
	const uint64_t used = max_u64(atomic_load(&buffer->record->size), buffer->fills_end);

	return min_u64(used, buffer->dmabuf.capacity);
}

/*
 * The quota counts the memory that the buffer has afterwards. During the move there
 * is more, and only the heap knows whether it has that much.
 */
static int enlarge(struct buffer *buffer, size_t capacity)
{
	const size_t more = capacity - buffer->dmabuf.capacity;
	int error = quota_take_dmabuf(buffer->quota, more);

	if (error)
		return error;
	error = move_to(buffer, capacity, dmabuf_used(buffer));
	if (error)
		quota_give_back_dmabuf(buffer->quota, more);
	return error;
}

int dmabuf_reserve(struct buffer *buffer, uint64_t end)
{
	const uint64_t capacity = page_round_up(end);

	if (capacity <= buffer->dmabuf.capacity)
		return 0;
	if (buffer->exported)
		return -EBUSY;
	if (capacity > SIZE_MAX)
		return -ENOSPC;
	return enlarge(buffer, capacity);
}

/* Takes the rest of the quota, if there is any. */
static int use_up_quota(struct buffer *buffer)
{
	const uint64_t left = page_round_down(quota_left(buffer->quota));

	if (left == 0 || left > SIZE_MAX - buffer->dmabuf.capacity)
		return -ENOSPC;
	return enlarge(buffer, buffer->dmabuf.capacity + left);
}

/* A smaller request may still succeed. */
static bool was_too_much(int error)
{
	return error == -ENOSPC || error == -EFBIG;
}

/* 1.5 times the capacity, or near the limit half of what is left, to take few steps. */
static uint64_t generous_capacity(struct buffer *buffer)
{
	const uint64_t more = buffer->dmabuf.capacity / 2;
	const uint64_t left = quota_left(buffer->quota);

	return buffer->dmabuf.capacity + (more > left ? left / 2 : more);
}

/* The surplus to try after @surplus was too much: half of it, and zero in the end. */
static uint64_t less_surplus(uint64_t surplus, uint64_t least)
{
	const uint64_t half = page_round_down(surplus / 2);

	return half < least / LEAST_SURPLUS ? 0 : half;
}

int dmabuf_reserve_ahead(struct buffer *buffer, uint64_t end)
{
	const uint64_t least = page_round_up(end), generous = generous_capacity(buffer);
	uint64_t surplus = generous > least ? generous - least : 0;

	if (end <= buffer->dmabuf.capacity)
		return 0;
	int error = dmabuf_reserve(buffer, least + surplus);

	while (was_too_much(error) && surplus) {
		surplus = less_surplus(surplus, least);
		error = dmabuf_reserve(buffer, least + surplus);
	}
	return error;
}

int dmabuf_grow(struct buffer *buffer, uint64_t end)
{
	const int error = dmabuf_reserve_ahead(buffer, end);

	if (error == -ENOSPC &&
	    page_round_up(end) - buffer->dmabuf.capacity > quota_left(buffer->quota))
		return use_up_quota(buffer);
	return error;
}

static int drop_memory(struct buffer *buffer)
{
	struct dmabuf none = NO_DMABUF;

	return replace_memory(buffer, &none);
}

static bool is_worth_trimming(uint64_t capacity, uint64_t target)
{
	const uint64_t tolerated = max_u64(target / 8, TRIM_MINIMUM);

	return target == 0 ? capacity > 0 : capacity > target && capacity - target > tolerated;
}

bool dmabuf_trim(struct buffer *buffer, uint64_t keep)
{
	const size_t before = buffer->dmabuf.capacity;
	const uint64_t target = page_round_up(keep);

	if (buffer->exported || buffer->fills || !is_worth_trimming(before, target))
		return false;
	if (target == 0 ? drop_memory(buffer) : move_to(buffer, target, keep))
		return false;
	quota_give_back_dmabuf(buffer->quota, before - target);
	return true;
}
