// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/quota.h"

#include "util/math.h"
#include "util/scope.h"

#include <errno.h>

/* --- the limit ------------------------------------------------------------------- */

/* Zero bytes always fit, even if charge_settle() went beyond the limit. */
static bool fits(const struct quota *quota, uint64_t used, uint64_t bytes)
{
	return bytes == 0 || (used <= quota->limit && bytes <= quota->limit - used);
}

static int try_to_take(struct quota *quota, uint64_t bytes)
{
	uint64_t used = atomic_load(&quota->used);

	do {
		if (!fits(quota, used, bytes))
			return -ENOSPC;
	} while (!atomic_compare_exchange_weak(&quota->used, &used, used + bytes));
	return 0;
}

static bool has_orphans(struct quota *quota)
{
	return atomic_load(&quota->first);
}

int quota_take(struct quota *quota, uint64_t bytes)
{
	const int error = try_to_take(quota, bytes);

	if (!error || !has_orphans(quota))
		return error;
	quota_poll_orphans(quota);
	return try_to_take(quota, bytes);
}

void quota_give_back(struct quota *quota, uint64_t bytes)
{
	atomic_fetch_sub(&quota->used, bytes);
}

bool quota_has_room(struct quota *quota, uint64_t bytes)
{
	if (bytes > quota_left(quota) && has_orphans(quota))
		quota_poll_orphans(quota);
	return bytes <= quota_left(quota);
}

uint64_t quota_left(struct quota *quota)
{
	const uint64_t used = atomic_load(&quota->used);

	return used < quota->limit ? quota->limit - used : 0;
}

/* Unsigned arithmetic wraps, so one addition serves both directions. */
static void correct(struct quota *quota, uint64_t from, uint64_t to)
{
	atomic_fetch_add(&quota->used, to - from);
}

/* --- dma-bufs beside memory files ------------------------------------------------- */

static int limit_files(struct heap *heap, uint64_t limit)
{
	return heap->ops->resize ? heap->ops->resize(heap, limit) : 0;
}

/* 0 would mean no limit to tmpfs. */
static uint64_t left_for_files(uint64_t limit, uint64_t dmabufs)
{
	return dmabufs < limit ? limit - dmabufs : page_size();
}

/* Shares the limit anew. Unsigned arithmetic wraps here, too. */
static int share(struct quota *quota, uint64_t more)
{
	int error = 0;

	if (!quota->shares)
		return 0;
	guard(mutex)(&quota->dmabufs_lock);
	const uint64_t dmabufs = quota->dmabufs + more;

	if (quota->limit != UINT64_MAX)
		error = limit_files(quota->shares, left_for_files(quota->limit, dmabufs));
	if (!error)
		quota->dmabufs = dmabufs;
	return error ? -ENOSPC : 0;
}

int quota_take_dmabuf(struct quota *quota, uint64_t bytes)
{
	int error = quota_take(quota, bytes);

	if (error)
		return error;
	error = share(quota, bytes);
	if (error)
		quota_give_back(quota, bytes);
	return error;
}

void quota_give_back_dmabuf(struct quota *quota, uint64_t bytes)
{
	if (!bytes)
		return;
	quota_give_back(quota, bytes);
	share(quota, -bytes);
}

void quota_count_dmabuf(struct quota *quota, uint64_t bytes)
{
	correct(quota, 0, bytes);
	if (!share(quota, bytes) || !quota->shares)
		return;
	guard(mutex)(&quota->dmabufs_lock);
	quota->dmabufs += bytes;
}

int quota_resize(struct quota *quota, struct heap *heap, uint64_t limit)
{
	guard(mutex)(&quota->dmabufs_lock);
	const int error = limit_files(heap, left_for_files(limit, quota->dmabufs));

	if (!error)
		quota->limit = limit;
	return error;
}

/* --- orphans --------------------------------------------------------------------- */

/* Orphans polled with each new one. More than one, so that they do not pile up. */
#define POLLED_WITH_EACH 2

struct orphan {
	struct orphan *next;
	struct heap *heap;
	int fd;
	uint64_t bytes;
	uid_t user;
	struct orphan_record *record; /* NULL: nothing is kept */
};

/* The queue; quota->orphans_lock is held. */
static void push(struct quota *quota, struct orphan *orphan)
{
	orphan->next = NULL;
	if (quota->last)
		quota->last->next = orphan;
	else
		quota->first = orphan;
	quota->last = orphan;
}

static struct orphan *pop(struct quota *quota)
{
	struct orphan *orphan = quota->first;

	quota->first = orphan->next;
	if (!quota->first)
		quota->last = NULL;
	return orphan;
}

/*
 * Removes from the @most oldest orphans those that are free, or all of them if
 * @all, and returns them as a list. The others go to the end of the queue.
 */
static struct orphan *remove_free(struct quota *quota, uint64_t most, bool all, uint64_t *held)
{
	struct orphan *removed = NULL, *const end = quota->last;

	for (bool over = !end; !over && most; most--) {
		struct orphan *orphan = pop(quota);

		over = orphan == end;
		if (!all && orphan->heap->ops->is_held(orphan->heap, orphan->fd)) {
			*held += orphan->bytes;
			push(quota, orphan);
		} else {
			orphan->next = removed;
			removed = orphan;
		}
	}
	return removed;
}

/* Without the lock: freeing the memory takes time. */
static uint64_t close_all(struct table *records, struct orphan *orphan)
{
	uint64_t bytes = 0;

	while (orphan) {
		struct orphan *next = orphan->next;

		bytes += orphan->bytes;
		table_remove(records, orphan->record);
		close_fd(orphan->fd);
		free(orphan);
		orphan = next;
	}
	return bytes;
}

/* Returns the bytes of the orphans that stay. */
static uint64_t collect(struct quota *quota, uint64_t most, bool all)
{
	struct orphan *removed;
	uint64_t held = 0;

	{
		guard(mutex)(&quota->orphans_lock);
		removed = remove_free(quota, most, all, &held);
	}
	quota_give_back_dmabuf(quota, close_all(quota->orphans, removed));
	return held;
}

static void add_orphan(struct quota *quota, const struct orphan *added)
{
	struct orphan *orphan = malloc(sizeof(*orphan));

	if (!orphan) {
		table_remove(quota->orphans, added->record);
		close_fd(added->fd);
		return;
	}
	*orphan = *added;
	quota_count_dmabuf(quota, orphan->bytes);
	guard(mutex)(&quota->orphans_lock);
	push(quota, orphan);
}

static struct orphan_record *record_orphan(struct table *records, const struct orphan *orphan)
{
	struct orphan_record *record = table_add(records);

	if (!record)
		return NULL;
	record->fd = orphan->fd;
	record->user = orphan->user;
	record->bytes = orphan->bytes;
	record_publish(record);
	return record;
}

void quota_add_orphan(struct quota *quota, struct heap *heap, int fd, uint64_t bytes, uid_t user)
{
	struct orphan orphan = {.heap = heap, .fd = fd, .bytes = bytes, .user = user};

	orphan.record = record_orphan(quota->orphans, &orphan);
	add_orphan(quota, &orphan);
	collect(quota, POLLED_WITH_EACH, false);
}

void quota_restore_orphan(struct quota *quota, struct heap *heap, struct orphan_record *record)
{
	const struct orphan orphan = {
		.heap = heap,
		.fd = record->fd,
		.bytes = record->bytes,
		.user = record->user,
		.record = record,
	};

	add_orphan(quota, &orphan);
}

uint64_t quota_poll_orphans(struct quota *quota)
{
	return collect(quota, UINT64_MAX, false);
}

static uint64_t count_of(struct quota *quota, uid_t user)
{
	uint64_t count = 0;
	guard(mutex)(&quota->orphans_lock);

	for (const struct orphan *orphan = quota->first; orphan; orphan = orphan->next)
		count += orphan->user == user;
	return count;
}

uint64_t quota_count_orphans(struct quota *quota, uid_t user, uint64_t limit)
{
	const uint64_t count = has_orphans(quota) ? count_of(quota, user) : 0;

	if (count < limit || !count)
		return count;
	quota_poll_orphans(quota);
	return count_of(quota, user);
}

void quota_finish(struct quota *quota)
{
	collect(quota, UINT64_MAX, true);
	cgroup_finish(&quota->cgroup);
}

/* --- the charge of a memfd ------------------------------------------------------- */

void charge_finish(struct charge *charge)
{
	if (charge->counted)
		quota_give_back(charge->quota, charge->counted);
	pthread_mutex_destroy(&charge->lock);
}

int charge_reserve(struct charge *charge, uint64_t bytes)
{
	guard(mutex)(&charge->lock);
	const int error = quota_take(charge->quota, bytes);

	if (error)
		return error;
	charge->counted += bytes;
	charge->reserved += bytes;
	return 0;
}

void charge_settle(struct charge *charge, uint64_t bytes, uint64_t held)
{
	guard(mutex)(&charge->lock);
	charge->reserved -= bytes;
	correct(charge->quota, charge->counted, held + charge->reserved);
	charge->counted = held + charge->reserved;
}
