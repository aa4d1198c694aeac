/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel holds of a file's memory. A backing id stands for it in
 * replies to OPEN: such opens are read and written past this process. On a
 * kernel that can, a dma-buf is bound to the inode besides, and then serves
 * all reads and copies, whatever the open.
 */
#ifndef FS_BACKING_H
#define FS_BACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backing;

/* What all files of a mount have in common; set before the first of them. */
struct backing_kernel {
	int device; /* the session's fd of /dev/fuse */
	bool binds; /* it has memory behind inodes, and was told that we use it */
	bool fail_busy; /* copies into memory that a device uses fail, see -o busy= */
};

/* Opts in to memory behind inodes, where the kernel has such a thing. */
void backing_enable_memory(struct backing_kernel *kernel);

/* Of the inode @nodeid. @kernel outlives it. NULL: out of memory. */
struct backing *backing_create(const struct backing_kernel *kernel, uint64_t nodeid);

/* Ends what is bound. NULL is fine. */
void backing_destroy(struct backing *backing);

/* Counts an open of the memory @file; the id to answer with, or -errno. */
int backing_open(struct backing *backing, int file);

/* An open that was answered with an id is released. */
void backing_close(struct backing *backing);

/*
 * Binds the dma-buf @file, or nothing if that is -1, in place of what is bound.
 * -EBUSY while that is mapped, or written to just now. 0 also where the kernel
 * binds nothing, or has no such inode, or can do no file I/O on memory of that
 * kind: then nothing is bound, and the data comes to this process.
 */
int backing_bind(struct backing *backing, int file);

/*
 * The last copy_file_range(2) between the file and one of another filesystem,
 * as one line without its end; -ENODATA if there was none, -EBUSY if it was left
 * to read(2) and write(2) because a device uses the memory. The kernel forgets
 * it with the inode, so it has to be noted at each open and release.
 */
int backing_describe_copy(struct backing *backing, char *line, size_t size);
void backing_note_copy(struct backing *backing);

/* What has been copied is gone. */
void backing_forget_copies(struct backing *backing);

#endif
