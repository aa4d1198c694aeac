/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory limit of a mount (-o size=) on heaps whose limit no filesystem
 * enforces: all but shmem.
 *
 * Three things count against it: dma-bufs of buffers, memfds of buffers (struct
 * charge), and orphans. An orphan is the exported dma-buf of a buffer that is
 * gone, for as long as another process or a device holds it. The kernel does not
 * report the release of the last reference, so orphans are polled: all of them
 * when memory is short, two with each new one.
 */
#ifndef BUFFER_QUOTA_H
#define BUFFER_QUOTA_H

#include "buffer/heap.h"
#include "state/table.h"
#include "util/cgroup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

struct orphan;

/* What of an orphan outlives the process. */
struct orphan_record {
	struct record record;
	int32_t fd;
	uint32_t user;
	uint64_t bytes;
};

/* All zeroes: no limit was set yet and nothing is used. */
struct quota {
	_Atomic uint64_t limit; /* bytes; UINT64_MAX: none */
	_Atomic uint64_t used;	/* bytes, orphans included */

	pthread_mutex_t orphans_lock;	/* a leaf */
	_Atomic(struct orphan *) first; /* the one polled longest ago */
	struct orphan *last;

	/*
	 * A heap that has memory files and dma-bufs: the kernel's limit of the files is what
	 * the dma-bufs leave. NULL: not needed.
	 */
	struct heap *shares;
	pthread_mutex_t dmabufs_lock; /* a leaf */
	uint64_t dmabufs;	      /* bytes of @used, with @shares */

	struct cgroup cgroup; /* for memory that is charged to this process */

	/* Records of buffers and of orphans. NULL: nothing is kept. */
	struct table *buffers, *orphans;
};

/*
 * Must surround every call that may allocate up to @bytes of a buffer's memory, so that the
 * caller gets -ENOSPC, and the process is not killed, if its control group is full. NULL is
 * fine.
 */
static inline int quota_enter(struct quota *quota, uint64_t bytes)
{
	return quota ? cgroup_enter(&quota->cgroup, bytes) : 0;
}

static inline void quota_leave(struct quota *quota, uint64_t bytes)
{
	if (quota)
		cgroup_leave(&quota->cgroup, bytes);
}

/*
 * Takes @bytes, or fails with -ENOSPC and takes nothing. Polls the orphans first
 * if there is too little left.
 */
int quota_take(struct quota *quota, uint64_t bytes);
void quota_give_back(struct quota *quota, uint64_t bytes);

/* The same for memory that is a dma-buf. */
int quota_take_dmabuf(struct quota *quota, uint64_t bytes);
void quota_give_back_dmabuf(struct quota *quota, uint64_t bytes);

/* Counts a dma-buf that is there already, beyond the limit if need be. */
void quota_count_dmabuf(struct quota *quota, uint64_t bytes);

/* Changes the limit, also of the heap's memory files. -EBUSY if more is in use. */
int quota_resize(struct quota *quota, struct heap *heap, uint64_t limit);

/* Returns whether quota_take() would succeed now. */
bool quota_has_room(struct quota *quota, uint64_t bytes);

/* Bytes left below the limit, orphans not polled. */
uint64_t quota_left(struct quota *quota);

/*
 * Takes over @fd, the dma-buf of a buffer that is gone, exported for @user. Its
 * @bytes count from here on, beyond the limit if need be, until no one else holds it.
 */
void quota_add_orphan(struct quota *quota, struct heap *heap, int fd, uint64_t bytes, uid_t user);

/* Takes over the orphan that an earlier process has recorded. */
void quota_restore_orphan(struct quota *quota, struct heap *heap, struct orphan_record *record);

/* Returns the number of @user's orphans that are still held. Polls if it is @limit or more. */
uint64_t quota_count_orphans(struct quota *quota, uid_t user, uint64_t limit);

/* Polls all orphans and returns the bytes of those that are still held. */
uint64_t quota_poll_orphans(struct quota *quota);

/* Closes all orphans, held or not. */
void quota_finish(struct quota *quota);

/*
 * The part of the quota that one memfd uses.
 *
 * Passthrough writes change the file's size in memory without asking. So calls
 * of the daemon reserve their bytes first and may fail, and each look at the file
 * corrects the count to its actual size, which may exceed the limit.
 */
struct charge {
	pthread_mutex_t lock; /* a leaf */
	struct quota *quota;
	uint64_t counted;  /* bytes, those reserved included */
	uint64_t reserved; /* bytes that calls in progress may still need */
};

static inline struct charge no_charge(struct quota *quota)
{
	return (struct charge){.lock = PTHREAD_MUTEX_INITIALIZER, .quota = quota};
}

/* Gives all of it back. */
void charge_finish(struct charge *charge);

/* Reserves @bytes for a call that is about to allocate memory, or -ENOSPC. */
int charge_reserve(struct charge *charge, uint64_t bytes);

/* Ends a reservation of @bytes, or none if 0. The file now holds @held bytes. */
void charge_settle(struct charge *charge, uint64_t bytes, uint64_t held);

#endif
