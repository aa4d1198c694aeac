// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dma-buf never changes its size. A buffer that does gets another dma-buf
 * and a copy of its bytes, so growing takes more than it needs, and gives the
 * rest back when the writer is done.
 */
#include "buffer/memory.h"
#include "buffer/pages_io.h"

#include <errno.h>
#include <string.h>

#define TRIM_MINIMUM (1u << 20)

/* Less than this part of what is needed would soon be asked for again. */
#define WORTH_ASKING 256

static int replace_memory(struct buffer *buffer, struct pages *fresh)
{
	int err = buffer->move ? buffer->move(buffer->move_context, fresh->dmabuf) : 0;

	if (err)
		return err;
	pages_free(&buffer->discarded); /* empty, but for a call that resizes twice */
	pages_move(&buffer->discarded, &buffer->pages);
	pages_move(&buffer->pages, fresh);
	return 0;
}

/* New memory with the first @keep bytes in it, the budget left to the caller. */
static int move_to(struct buffer *buffer, size_t capacity, size_t keep)
{
	struct pages fresh;
	int err = pages_alloc(&fresh, buffer->heap, capacity);

	if (err)
		return err;
	if (keep)
		err = pages_copy_to(buffer, &fresh, keep);
	if (!err)
		err = replace_memory(buffer, &fresh);
	if (err)
		pages_free(&fresh);
	return err;
}

uint64_t pages_used(struct buffer *buffer)
{
	const uint64_t size = atomic_load(&buffer->size);
	const uint64_t used = buffer->fills_end > size ? buffer->fills_end : size;

	return used < buffer->pages.capacity ? used : buffer->pages.capacity;
}

/*
 * The budget counts what the buffer has afterwards. While its bytes move there
 * is more, and only the heap can say whether it has that much.
 */
static int enlarge(struct buffer *buffer, size_t capacity)
{
	size_t more = capacity - buffer->pages.capacity;
	int err = budget_take(buffer->budget, more);

	if (err)
		return err;
	err = move_to(buffer, capacity, pages_used(buffer));
	if (err)
		budget_give_back(buffer->budget, more);
	return err;
}

int pages_reserve(struct buffer *buffer, uint64_t end)
{
	uint64_t capacity = page_round_up(end);

	if (capacity <= buffer->pages.capacity)
		return 0;
	if (buffer->exported)
		return -EBUSY;
	if (capacity > SIZE_MAX)
		return -ENOSPC;
	return enlarge(buffer, capacity);
}

/* The last resort: what the budget still has, if that is anything at all. */
static int use_up_budget(struct buffer *buffer)
{
	uint64_t left = page_round_down(budget_left(buffer->budget));

	if (left == 0 || left > SIZE_MAX - buffer->pages.capacity)
		return -ENOSPC;
	return enlarge(buffer, buffer->pages.capacity + left);
}

/* Less might still be had. */
static bool was_too_much(int err)
{
	return err == -ENOSPC || err == -EFBIG;
}

/* Half as much again, or half of what the budget has left: its end is not for small steps. */
static uint64_t generous_capacity(struct buffer *buffer)
{
	const uint64_t more = buffer->pages.capacity / 2;
	const uint64_t left = budget_left(buffer->budget);

	return buffer->pages.capacity + (more > left ? left / 2 : more);
}

/* What to ask for in advance when @surplus was too much: half of it, and in the end nothing. */
static uint64_t less_surplus(uint64_t surplus, uint64_t least)
{
	const uint64_t half = page_round_down(surplus / 2);

	return half < least / WORTH_ASKING ? 0 : half;
}

/* The end of a heap is not for small steps either. */
int pages_reserve_ahead(struct buffer *buffer, uint64_t end)
{
	const uint64_t least = page_round_up(end), generous = generous_capacity(buffer);
	uint64_t surplus = generous > least ? generous - least : 0;
	int err;

	if (end <= buffer->pages.capacity)
		return 0;
	err = pages_reserve(buffer, least + surplus);
	while (was_too_much(err) && surplus) {
		surplus = less_surplus(surplus, least);
		err = pages_reserve(buffer, least + surplus);
	}
	return err;
}

int pages_grow(struct buffer *buffer, uint64_t end)
{
	int err = pages_reserve_ahead(buffer, end);

	if (err == -ENOSPC &&
	    page_round_up(end) - buffer->pages.capacity > budget_left(buffer->budget))
		err = use_up_budget(buffer);
	return err;
}

static int drop_memory(struct buffer *buffer)
{
	struct pages none;

	pages_init(&none);
	return replace_memory(buffer, &none);
}

static bool is_worth_trimming(uint64_t capacity, uint64_t target)
{
	uint64_t tolerated = target / 8 > TRIM_MINIMUM ? target / 8 : TRIM_MINIMUM;

	return target == 0 ? capacity > 0 : capacity > target && capacity - target > tolerated;
}

bool pages_trim(struct buffer *buffer, uint64_t keep)
{
	size_t before = buffer->pages.capacity;
	uint64_t target = page_round_up(keep);

	if (buffer->exported || buffer->fills || !is_worth_trimming(before, target))
		return false;
	if (target == 0 ? drop_memory(buffer) : move_to(buffer, target, keep))
		return false;
	budget_give_back(buffer->budget, before - target);
	return true;
}
