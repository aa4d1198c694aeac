/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A buffer is what a regular file of the mount contains: memory, a logical
 * size, and its exports. It knows no name, no owner, and no FUSE.
 *
 * The logical size is what read(2) stops at and st_size shows. The capacity
 * is the memory held, in bytes. Bytes between the two are zero, always.
 *
 * Calls may come from any thread at once. Reads run side by side, and so do
 * writes to memory files; a write to a dma-buf is alone, and a call that moves
 * or resizes the memory waits for all others. Everything returns 0 (or a count)
 * or -errno. Sizes and offsets are bytes.
 */
#ifndef BUFFER_BUFFER_H
#define BUFFER_BUFFER_H

#include "buffer/heap.h"
#include "buffer/leavings.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct buffer;

/*
 * What all buffers of one mount may hold together, where the kernel does not
 * keep the limit itself (everything but HEAP_TREE_FILE).
 */
struct budget {
	uint64_t limit;	       /* bytes; UINT64_MAX: none */
	_Atomic uint64_t used; /* bytes, those left behind included */
	struct leavings leavings;
};

/*
 * Takes @bytes or fails with -ENOSPC and takes nothing. Looks first whether
 * something left behind has become free, if there is too little.
 */
int budget_take(struct budget *budget, uint64_t bytes);

/* Whether that would work now. */
bool budget_has_room(struct budget *budget, uint64_t bytes);
void budget_give_back(struct budget *budget, uint64_t bytes);

/* Whoever held @from holds @to now, be there room or not. */
void budget_correct(struct budget *budget, uint64_t from, uint64_t to);

uint64_t budget_left(struct budget *budget);

/*
 * A buffer has gone, but others hold its dma-buf @fd, which is the budget's from
 * here on: its @bytes count until they let go.
 */
void budget_leave(struct budget *budget, struct heap *heap, int fd, uint64_t bytes);

/* Gives back what nobody holds any more. The bytes that are still held. */
uint64_t budget_collect(struct budget *budget);

/* Lets go of all that was left behind. */
void budget_finish(struct budget *budget);

/*
 * A new buffer. @file is, on a HEAP_TREE_FILE heap, the open file of the tree
 * that is the memory, and belongs to the buffer from here on, also on error;
 * -1 on every other heap. @budget outlives the buffer.
 */
int buffer_create(struct buffer **buffer, struct heap *heap, struct budget *budget, int file);

/* Gives all memory back. NULL is fine. Can take tenths of a second a GiB. */
void buffer_destroy(struct buffer *buffer);

ssize_t buffer_read(struct buffer *buffer, void *data, size_t size, off_t offset);

/* Grows the buffer as needed; a short count when memory ran out on the way. */
ssize_t buffer_write(struct buffer *buffer, const void *data, size_t size, off_t offset);

/*
 * ftruncate(2). Growing reports -ENOSPC here when the memory is not there,
 * with the buffer as it was. -EBUSY when the memory is exported and too small.
 */
int buffer_truncate(struct buffer *buffer, off_t size);

/*
 * fallocate(2) with mode 0 or FALLOC_FL_KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE;
 * other modes are -EOPNOTSUPP.
 */
int buffer_allocate(struct buffer *buffer, int mode, off_t offset, off_t length);

/* lseek(2) with SEEK_DATA or SEEK_HOLE. */
off_t buffer_seek(struct buffer *buffer, off_t offset, int whence);

/*
 * copy_file_range(2) between two buffers of one heap, or within one whose
 * ranges do not overlap. May copy less than asked, to stay interruptible.
 */
ssize_t buffer_copy(struct buffer *from, off_t from_offset, struct buffer *to, off_t to_offset,
		    size_t size);

/*
 * Fills in what the buffer knows better than its file in the tree: st_size,
 * st_blocks, and times of data accesses later than those in @st.
 */
void buffer_stat(struct buffer *buffer, struct stat *st);

/* The logical size; 0 where even that can't be had. */
uint64_t buffer_size(struct buffer *buffer);

/* utimensat(2): the times that the tree now shows are the times. */
int buffer_set_times(struct buffer *buffer, const struct timespec times[2]);

uint64_t buffer_capacity(struct buffer *buffer);

/* How much of the memory a mapping or an open may rely on. */
enum buffer_state {
	BUFFER_SIZED_BY_KERNEL, /* a memory file: I/O may bypass the buffer */
	BUFFER_PINNED_FILE,	/* an exported memory file: only mappings may */
	BUFFER_PAGES,		/* a dma-buf */
	BUFFER_EMPTY,		/* to become one, no memory yet */
};

/* Whether the memory comes in pages much larger than the smallest ones. */
bool buffer_has_large_pages(struct buffer *buffer);

/* As it is now; it may be another by the time this returns. */
enum buffer_state buffer_state(struct buffer *buffer);

/*
 * Calls @visit with the state and with the file that is the memory, -1 if
 * there is none, and returns what it returns. The memory stays what it is
 * meanwhile; @visit must not call the buffer.
 */
typedef int buffer_visitor(void *context, enum buffer_state state, int file);
int buffer_visit(struct buffer *buffer, buffer_visitor *visit, void *context);

/*
 * Has @move called before the buffer gives up its memory for that of @file, or
 * for none if that is -1: others may have been given the old one. An error
 * keeps it, and becomes the error of the call that wanted the move. To be set
 * before the buffer has memory; @move is as restricted as a visitor.
 */
typedef int buffer_mover(void *context, int file);
void buffer_on_move(struct buffer *buffer, buffer_mover *move, void *context);

/*
 * The memory, this and all that follows, has other writers than the calls here,
 * such as a kernel that it is bound to. What they leave behind the end of the
 * file is zeroed when the size moves over it, but for buffer_allocate() with
 * mode 0, which is how they tell the size. An export implies this.
 */
void buffer_lend(struct buffer *buffer);

/*
 * A new dma-buf fd of the buffer's memory, owned by the caller. From the first
 * export on the memory stays what it is for the buffer's life. -ENOTSUP on a
 * heap without dma-bufs, -ENODATA while there is no memory, -EFBIG when the
 * heap makes none of that size.
 *
 * The first export takes a BUFFER_SIZED_BY_KERNEL to BUFFER_PINNED_FILE, also
 * when it fails after all. Passthrough opens that can write and last beyond that
 * can fill the last page, and nobody sees the size grow.
 */
int buffer_export(struct buffer *buffer);

/*
 * Takes over the dma-buf @fd, also on an error, and has it for memory from here
 * on: exported, for others have it too. The size stays 0, and buffer_allocate()
 * with mode 0 tells how much of it counts. -EEXIST where there is memory or a
 * size already, -ENOTSUP on a heap without dma-bufs.
 *
 * On a memory file, whoever has that open by passthrough goes on with it.
 */
int buffer_import(struct buffer *buffer, int fd);

/* Whether the memory is exported, and so stays what it is. */
bool buffer_is_exported(struct buffer *buffer);

/* What fstat(2) says of the fds that others have of the memory. -ENODATA: none yet. */
int buffer_stat_memory(struct buffer *buffer, struct stat *st);

/*
 * A new O_RDONLY fd of the memory file below the buffer, owned by the caller;
 * -ENOTSUP where there is none of its own.
 */
int buffer_open_memory(struct buffer *buffer);

/*
 * Called when the last writer has closed its file: gives back memory that
 * growing took in advance, unless it is exported, or grew again after that had
 * been given back once: it is being appended to.
 */
void buffer_settle(struct buffer *buffer);

#endif
