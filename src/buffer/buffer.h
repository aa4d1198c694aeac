/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A buffer is the content of a regular file of the mount: memory, a logical
 * size, and exports. It has no name and no owner, and knows no FUSE.
 *
 * The logical size is st_size and the end of file. The capacity is the memory
 * held, in bytes. Bytes between the two are always zero.
 *
 * All calls may come from any thread. Reads run in parallel, and so do writes to
 * memory files. A write to a dma-buf runs alone, and a call that moves or resizes
 * the memory waits for all others. Everything returns 0 (or a count) or -errno.
 * Sizes and offsets are bytes.
 */
#ifndef BUFFER_BUFFER_H
#define BUFFER_BUFFER_H

#include "buffer/heap.h"
#include "buffer/quota.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct buffer;
struct buffer_record;

/*
 * Creates a buffer. If the heap's memory is in tmpfs, @file is the open file
 * there; the buffer owns it from here on, also on an error. Otherwise @file is
 * -1. @quota outlives the buffer.
 */
int buffer_create(struct buffer **buffer, struct heap *heap, struct quota *quota, int file);

/*
 * Records that the buffer is that of the inode @owner. From here on it survives the process,
 * if @quota has a table of buffers. The next process gets it from buffer_restore(), in
 * which @has_moved tells whether the kernel has the memory of record->target.
 */
void buffer_record(struct buffer *buffer, uint64_t owner);
int buffer_restore(struct buffer **buffer, struct heap *heap, struct quota *quota,
		   struct buffer_record *record, bool has_moved);

/*
 * Creates a buffer for @file, a file of a mount that another process serves, open
 * for reading, and for writing too if the buffer is written. It stays the
 * caller's. Only buffer_read(), _write(), _seek(), _size(), _access() and the
 * calls of window.h work on it.
 */
int buffer_create_mounted(struct buffer **buffer, int file);

/* Frees the memory. NULL is fine. Can take tenths of a second a GiB. */
void buffer_destroy(struct buffer *buffer);

ssize_t buffer_read(struct buffer *buffer, void *data, size_t size, off_t offset);

/* Grows the buffer as needed. The count is short if memory runs out on the way. */
ssize_t buffer_write(struct buffer *buffer, const void *data, size_t size, off_t offset);

/*
 * ftruncate(2). Reports -ENOSPC if there is no memory to grow, and leaves the
 * buffer as it was. -EBUSY if the memory is exported and too small.
 */
int buffer_truncate(struct buffer *buffer, off_t size);

/*
 * fallocate(2) with mode 0 or FALLOC_FL_KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE. Other
 * modes are -EOPNOTSUPP.
 */
int buffer_allocate(struct buffer *buffer, int mode, off_t offset, off_t length);

/* lseek(2) with SEEK_DATA or SEEK_HOLE. */
off_t buffer_seek(struct buffer *buffer, off_t offset, int whence);

/*
 * copy_file_range(2) between two buffers of one heap, or between ranges of one
 * buffer that do not overlap. May copy less than asked, to stay interruptible.
 */
ssize_t buffer_copy(struct buffer *from, off_t from_offset, struct buffer *to, off_t to_offset,
		    size_t size);

/*
 * Fills in st_size and st_blocks, and raises the times in @st to those of later
 * data accesses. Leaves @st alone if the memory is in tmpfs.
 */
void buffer_stat(struct buffer *buffer, struct stat *st);

/* The logical size; 0 if it cannot be determined. */
uint64_t buffer_size(struct buffer *buffer);

/* utimensat(2): the times in the tree, just set, override those of data accesses. */
int buffer_set_times(struct buffer *buffer, const struct timespec times[2]);

uint64_t buffer_capacity(struct buffer *buffer);

enum buffer_state {
	BUFFER_FILE,	      /* a memory file: I/O and mappings may bypass the buffer */
	BUFFER_EXPORTED_FILE, /* an exported memory file: only mappings may */
	BUFFER_DMABUF,	      /* a dma-buf */
	BUFFER_EMPTY,	      /* a dma-buf to be: no memory yet */
};

/* The current state. Another thread may have changed it when this returns. */
enum buffer_state buffer_state(struct buffer *buffer);

/* The state of a new buffer of @heap. */
enum buffer_state buffer_initial_state(const struct heap *heap);

/* The memory behind a buffer, by fds that the buffer owns. */
struct buffer_memory {
	enum buffer_state state;
	int file;   /* the memory file; with BUFFER_DMABUF an empty one; -1: none */
	int dmabuf; /* the memory as a dma-buf; -1: it is none */
};

/*
 * Calls @visit and returns its result. The memory does not change meanwhile. @visit must
 * not call the buffer.
 */
typedef int buffer_visitor(void *context, const struct buffer_memory *memory);
int buffer_visit(struct buffer *buffer, buffer_visitor *visit, void *context);

/*
 * Sets a callback that runs before the buffer replaces its memory by @dmabuf, or by
 * none if that is -1: the kernel may have been given the old one. If @from is not -1,
 * it is the memory file to be replaced, and the callback copies its bytes. An error
 * keeps the old memory and becomes the error of the call that wanted the move;
 * -EAGAIN may succeed once the lock is released. Set it before the buffer has memory.
 * It must not call the buffer.
 */
typedef int buffer_mover(void *context, int dmabuf, int from);
void buffer_on_move(struct buffer *buffer, buffer_mover *move, void *context);

/*
 * Declares that the memory, now and later, has writers other than the calls here,
 * such as the kernel that it is bound to. Bytes that they leave beyond the end of
 * file are zeroed when the size moves over them, except by buffer_allocate() with
 * mode 0, which tells the size that they wrote. An export implies this.
 */
void buffer_lend(struct buffer *buffer);

/*
 * Returns a new dma-buf fd of the memory, owned by the caller. From the first
 * export on the memory is never replaced. -ENOTSUP on a heap without dma-bufs,
 * -ENODATA while there is no memory, -EFBIG if the heap makes none of that size.
 *
 * The first export turns BUFFER_FILE into BUFFER_EXPORTED_FILE, even if it then
 * fails. Writable passthrough opens from before can still fill the last page,
 * and the size does not grow by that.
 */
int buffer_export(struct buffer *buffer);

/* The next export is for @user, who is charged if the dma-buf outlives the buffer. */
void buffer_export_for(struct buffer *buffer, uid_t user);

/*
 * Makes the dma-buf @fd the buffer's memory and takes it over, also on an error.
 * The buffer counts as exported, since others have the dma-buf too. The size stays
 * 0; buffer_allocate() with mode 0 sets it. -EEXIST if there is memory or a size
 * already, -ENOTSUP on a heap without dma-bufs.
 *
 * Passthrough opens of a memory file from before keep the old file.
 */
int buffer_import(struct buffer *buffer, int fd);

/* The memory is exported and will not be replaced. */
bool buffer_is_exported(struct buffer *buffer);

/* fstat(2) of the fds that others have of the memory. -ENODATA: there is none yet. */
int buffer_stat_memory(struct buffer *buffer, struct stat *st);

/*
 * Returns a new O_RDONLY fd of the memfd that is the memory, owned by the caller;
 * -ENOTSUP if there is none.
 */
int buffer_open_memory(struct buffer *buffer);

/*
 * To be called when the last writer has closed the file. Frees memory that was
 * allocated in advance, unless it is exported, or the buffer grew again after
 * that had been done once: then it is being appended to.
 */
void buffer_settle(struct buffer *buffer);

#endif
