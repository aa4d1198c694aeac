/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a file as the kernel knows it. A backing id, in the reply to an open,
 * makes the kernel read and write the memory file itself. A patched kernel can also bind a
 * dma-buf to the inode, which then takes the place of the memory file in all opens.
 */
#ifndef FS_BACKING_H
#define FS_BACKING_H

#include "uapi/fuse_memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Common to all files of a mount. Set before the first of them. */
struct backing_kernel {
	int device;		  /* the session's fd of /dev/fuse */
	bool binds;		  /* it can bind memory to inodes, and we have opted in */
	_Atomic int32_t *last_id; /* the largest backing id so far; outlives the process */
};

/* What outlives the process, as the kernel keeps ids and bindings. */
struct backing_record {
	_Atomic int32_t id; /* of current opens, of the memory file; 0: none */
	_Atomic bool bound; /* a dma-buf is, for as long as there are opens */
};

struct backing {
	const struct backing_kernel *kernel;
	uint64_t nodeid;
	struct backing_record *record; /* of the inode, or own_record */
	struct backing_record own_record;
	pthread_mutex_t lock; /* a leaf; taken with the buffer's lock when the memory moves */
	unsigned opens;	      /* answered with an id and not released */

	/* For last_copy.c, guarded by the inode's lock: */
	struct fuse_memory_stat counted; /* the kernel's counters when they were last noted */
	struct fuse_memory_stat copied;	 /* the last copy until then; .copies is 0: none */
};

/*
 * Opts in to memory bound to inodes, if the kernel has it. With @file_first it asks for
 * memory before a copy into an empty memory file.
 */
void backing_enable_memory(struct backing_kernel *kernel, bool file_first);

/*
 * For the inode @nodeid. @kernel and @record outlive it. @record is zeroed, or has what an
 * earlier process has left. NULL: out of memory.
 */
struct backing *backing_create(const struct backing_kernel *kernel, uint64_t nodeid,
			       struct backing_record *record);

/*
 * The inode is to have another backing, and with it the record. This one has no opens any
 * more. The caller holds the inode's lock. NULL is fine.
 */
void backing_detach(struct backing *backing);

/* Ends the binding and the id. NULL is fine. */
void backing_destroy(struct backing *backing);

/*
 * Counts an open of the memory @file, and binds @dmabuf, unless that is -1, and sets @bound.
 * Returns the id to answer with, or -errno.
 */
int backing_open(struct backing *backing, int file, int dmabuf, bool *bound);

/* An open that was answered with an id is released. */
void backing_close(struct backing *backing);

/*
 * Binds @dmabuf in place of the current memory, or nothing if it is -1. -EBUSY while the
 * current memory is mapped or being written. 0 also if the kernel cannot bind, has no such
 * inode, or does no file I/O on this memory: then nothing is bound, and the data goes
 * through this process.
 *
 * If @from is not -1, it is the memory file, which the kernel copies to the dma-buf first.
 * Then these are errors, and so is -EAGAIN: a writer is there, or waits for this process.
 */
int backing_bind(struct backing *backing, int dmabuf, int from);

/* Returns the size of the dma-buf that the kernel has bound to @nodeid; 0: none. */
uint64_t backing_bound_bytes(const struct backing_kernel *kernel, uint64_t nodeid);

/*
 * A killed process may have got ids that it had no time to record. They are among the last.
 * The kernel gives ids in ascending order, and no more threads get some at a time.
 */
#define BACKING_RECENT 512

struct backing_recent {
	int32_t first;
	bool recorded[2 * BACKING_RECENT]; /* ids from @first on */
};

struct backing_recent backing_recent(const struct backing_kernel *kernel);
void backing_recent_keep(struct backing_recent *recent, int32_t id);

/* Ends the recent ids that were not kept. */
void backing_recent_end(const struct backing_kernel *kernel, const struct backing_recent *recent);

/* Counts an open of an earlier process, answered with an id. */
void backing_restore_open(struct backing *backing);

/*
 * Ends the id that an earlier process has left, if no open file needs it. If the memory
 * @is_bound, the kernel's counters start from here.
 */
void backing_restore_end(struct backing *backing, bool is_bound);

/* Reads the kernel's counters of copies. False if it has none. */
bool backing_count(const struct backing *backing, struct fuse_memory_stat *now);

#endif
