/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a file as the kernel knows it. A backing id, in the reply to an open,
 * makes the kernel read and write the memory itself. A patched kernel can also bind a
 * dma-buf to the inode, and then serves all reads and copies, in any open mode.
 */
#ifndef FS_BACKING_H
#define FS_BACKING_H

#include "uapi/fuse_memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Common to all files of a mount. Set before the first of them. */
struct backing_kernel {
	int device; /* the session's fd of /dev/fuse */
	bool binds; /* it can bind memory to inodes, and we have opted in */
};

struct backing {
	const struct backing_kernel *kernel;
	uint64_t nodeid;
	pthread_mutex_t lock; /* a leaf; taken with the buffer's lock when the memory moves */
	int32_t id;	      /* the backing id of current opens; 0: none */
	unsigned opens;	      /* answered with an id and not released */

	/* For last_copy.c, guarded by the inode's lock: */
	struct fuse_memory_stat counted; /* the kernel's counters when they were last noted */
	struct fuse_memory_stat copied;	 /* the last copy until then; .copies is 0: none */
};

/* Opts in to memory bound to inodes, if the kernel has it. */
void backing_enable_memory(struct backing_kernel *kernel);

/* For the inode @nodeid. @kernel outlives it. NULL: out of memory. */
struct backing *backing_create(const struct backing_kernel *kernel, uint64_t nodeid);

/* Ends the binding and the id. NULL is fine. */
void backing_destroy(struct backing *backing);

/*
 * Counts an open of the memory @file, and binds it if it @is_dmabuf. Returns the id to answer
 * with, or -errno.
 */
int backing_open(struct backing *backing, int file, bool is_dmabuf);

/* An open that was answered with an id is released. */
void backing_close(struct backing *backing);

/*
 * Binds the dma-buf @file in place of the current one, or nothing if @file is -1. -EBUSY
 * while the current one is mapped or being written. 0 also if the kernel cannot bind, has
 * no such inode, or does no file I/O on this memory: then nothing is bound, and the data
 * goes through this process.
 */
int backing_bind(struct backing *backing, int file);

/* Reads the kernel's counters of copies. False if it has none. */
bool backing_count(const struct backing *backing, struct fuse_memory_stat *now);

#endif
