/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a buffer: the operations of a kind of memory, and its state. For
 * the files of src/buffer only.
 *
 * Lock order: buffer.lock (of two buffers, the one at the lower address first),
 * then one of charge.lock, cpu_access.lock, times.lock, which are leaves. buffer.c
 * takes buffer.lock for the operations, in the mode that struct memory_ops states.
 * It must not be taken twice, see fair_rwlock_init().
 */
#ifndef BUFFER_MEMORY_H
#define BUFFER_MEMORY_H

#include "buffer/buffer.h"
#include "buffer/cpu_access.h"
#include "buffer/dmabuf.h"
#include "buffer/quota.h"
#include "buffer/record.h"
#include "buffer/window.h"
#include "util/compat.h"

#include <pthread.h>

/* The caller checks ranges: no offset is negative, no end overflows. */
struct memory_ops {
	enum buffer_state state;
	enum buffer_access access; /* unless get_access() is set */

	/* With the shared lock. */
	ssize_t (*read)(struct buffer *buffer, void *data, size_t size, off_t offset);
	/* Writes as much as there is room for; -ENOSPC if there is none. */
	ssize_t (*write)(struct buffer *buffer, const void *data, size_t size, off_t offset);
	off_t (*seek)(struct buffer *buffer, off_t offset, int whence);
	void (*stat)(struct buffer *buffer, struct stat *st); /* not of memory in tmpfs */
	off_t (*size)(struct buffer *buffer);
	uint64_t (*capacity)(struct buffer *buffer);
	int (*set_times)(struct buffer *buffer, const struct timespec times[2]);
	/*
	 * Copies between two buffers with these operations, both locked shared.
	 * -EOPNOTSUPP or NULL: copy by read() and write().
	 */
	ssize_t (*copy)(struct buffer *from, off_t from_offset, struct buffer *to, off_t to_offset,
			size_t size);
	enum buffer_access (*get_access)(struct buffer *buffer); /* NULL: it is constant */
	bool (*has_large_pages)(struct buffer *buffer);		 /* NULL: no */
	/* An fd for copy_file_range(2); -1: none. NULL: none. */
	int (*copy_fd)(struct buffer *buffer);
	/* Sets the window's bytes and access. Its size is the most to map. */
	int (*open_window)(struct buffer *buffer, struct buffer_window *window, off_t offset);
	int (*close_window)(struct buffer *buffer, struct buffer_window *window);
	/* write() may be called without make_room(). NULL: always. */
	bool (*is_ready)(struct buffer *buffer, size_t size, off_t offset);

	/* With the exclusive lock. */
	/* Makes write() work up to @end, or for a part of it, with this same lock held. */
	int (*make_room)(struct buffer *buffer, uint64_t end);
	int (*truncate)(struct buffer *buffer, off_t size);
	int (*allocate)(struct buffer *buffer, int mode, off_t offset, off_t length);
	int (*begin_fill)(struct buffer *buffer, struct buffer_fill *fill);
	/* Sets the size to @size and zeroes [waste, waste_end), if that is not empty. */
	int (*finish_fill)(struct buffer *buffer, uint64_t size, uint64_t waste,
			   uint64_t waste_end);
	/* Returns a dma-buf fd. NULL: not supported. */
	int (*export)(struct buffer *buffer);
	/* Takes over a dma-buf of @capacity bytes, unless it fails. NULL: not supported. */
	int (*import)(struct buffer *buffer, int dmabuf, size_t capacity);
	void (*settle)(struct buffer *buffer); /* NULL: nothing to do */

	/* No other user is left. */
	void (*release)(struct buffer *buffer);
};

struct buffer {
	pthread_rwlock_t lock;
	const struct memory_ops *ops; /* changes with the kind of memory */
	struct heap *heap;	      /* NULL: a mounted file */
	struct quota *quota;
	struct buffer_record *record; /* in a table, or unrecorded */
	struct buffer_record unrecorded;

	/* A memory file, sized by the kernel. Empty while a dma-buf takes its place. */
	int file;	      /* -1: none */
	struct charge charge; /* for memfds */

	/* Memory of a fixed size. */
	struct dmabuf dmabuf;
	pthread_rwlock_t cpu_access;
	/* record->size: grows with the shared lock, changes with the exclusive one. */
	unsigned fills;	    /* begun and not finished */
	uint64_t fills_end; /* the end of the furthest of them; 0: none */
	uint64_t promised;  /* fallocate() asked for memory up to here: do not trim it */
	bool trimmed;	    /* settle() has trimmed it once: it is being appended to */
	buffer_mover *move; /* NULL: none */
	void *move_context;
	bool exported;		/* the memory is fixed for good … */
	_Atomic uid_t exporter; /* … and was exported for this user last */
	bool imported;		/* and was made elsewhere */
	_Atomic bool lent;	/* the memory has other writers */
	bool refusal_told;	/* the log has the reason why it does not grow */

	struct dmabuf discarded; /* freed when the exclusive lock is released */
};

extern const struct memory_ops memory_tmpfs;	      /* memory_tmpfs.c */
extern const struct memory_ops memory_memfd;	      /* memory_memfd.c, before the first export */
extern const struct memory_ops memory_memfd_exported; /* memory_memfd.c, after it */
extern const struct memory_ops memory_staged;	      /* memory_staged.c */
extern const struct memory_ops memory_dmabuf;	      /* memory_dmabuf.c */
extern const struct memory_ops memory_mounted;	      /* memory_mounted.c */

/* The kernel keeps the memory's size, times and limits, and no call needs to lock for them. */
static inline bool buffer_is_in_tmpfs(const struct buffer *buffer)
{
	return buffer->heap && buffer->heap->ops->in_tmpfs;
}

/* The kernel's own checks before a read or write: 0, -EINVAL or -EFBIG. */
int buffer_check_range(off_t offset, uint64_t size);

/*
 * memory_memfd.c: operations on a memory file with a quota, for memory_memfd and
 * memory_staged. They are as struct memory_ops describes them.
 */
ssize_t memfd_write(struct buffer *buffer, const void *data, size_t size, off_t offset);
ssize_t memfd_copy(struct buffer *from, off_t from_offset, struct buffer *to, off_t to_offset,
		   size_t size);
int memfd_truncate(struct buffer *buffer, off_t size);
int memfd_allocate(struct buffer *buffer, int mode, off_t offset, off_t length);
void memfd_stat(struct buffer *buffer, struct stat *st);
int memfd_set_times(struct buffer *buffer, const struct timespec times[2]);
int memfd_open_window(struct buffer *buffer, struct buffer_window *window, off_t offset);
int memfd_close_window(struct buffer *buffer, struct buffer_window *window);
int memfd_finish_fill(struct buffer *buffer, uint64_t size, uint64_t waste, uint64_t waste_end);
int memfd_import(struct buffer *buffer, int dmabuf, size_t capacity);
void memfd_settle(struct buffer *buffer);

/* memory_memfd.c: the buffer's file, of @size bytes, is sealed already for its export. */
void memfd_finish_fixing(struct buffer *buffer, uint64_t size);

/* memory_staged.c: a buffer whose dma-buf was freed is its memory file again, if it has one. */
void dmabuf_return_to_file(struct buffer *buffer);

/*
 * memory_dmabuf.c: operations on memory of a fixed size, for memory_dmabuf and
 * memory_memfd_exported. They are as struct memory_ops describes them.
 */
ssize_t fixed_read(struct buffer *buffer, void *data, size_t size, off_t offset);
ssize_t fixed_write(struct buffer *buffer, const void *data, size_t size, off_t offset);
off_t fixed_seek(struct buffer *buffer, off_t offset, int whence);
void fixed_stat(struct buffer *buffer, struct stat *st);
off_t fixed_size(struct buffer *buffer);
uint64_t fixed_capacity(struct buffer *buffer);
int fixed_set_times(struct buffer *buffer, const struct timespec times[2]);
int fixed_copy_fd(struct buffer *buffer);
bool fixed_is_ready(struct buffer *buffer, size_t size, off_t offset);
int fixed_make_room(struct buffer *buffer, uint64_t end);
int fixed_truncate(struct buffer *buffer, off_t size);
int fixed_allocate(struct buffer *buffer, int mode, off_t offset, off_t length);
int fixed_export(struct buffer *buffer);
int fixed_import(struct buffer *buffer, int dmabuf, size_t capacity);
void fixed_release(struct buffer *buffer);
int fixed_open_window(struct buffer *buffer, struct buffer_window *window, off_t offset);
int fixed_close_window(struct buffer *buffer, struct buffer_window *window);
int fixed_begin_fill(struct buffer *buffer, struct buffer_fill *fill);
int fixed_finish_fill(struct buffer *buffer, uint64_t size, uint64_t waste, uint64_t waste_end);

/*
 * memory_dmabuf_grow.c: moving a buffer to a dma-buf of another size. All of these
 * need the exclusive lock and leave the buffer as it was on an error. -EBUSY if the
 * memory is exported.
 */

/* The end of the bytes that count: the size, or the end of a fill beyond it. */
uint64_t dmabuf_used(struct buffer *buffer);

/* Allocates exactly the pages for @end bytes, if there are fewer. */
int dmabuf_reserve(struct buffer *buffer, uint64_t end);

/* Allocates more than @end needs, so that growing stays cheap, or exactly that. */
int dmabuf_reserve_ahead(struct buffer *buffer, uint64_t end);

/* The same, but less than @end if there is no more. */
int dmabuf_grow(struct buffer *buffer, uint64_t end);

/*
 * Frees the memory beyond the first @keep bytes, if that is worth a move. Returns
 * whether it did; all bytes beyond @keep are zero then.
 */
bool dmabuf_trim(struct buffer *buffer, uint64_t keep);

#endif
