/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a buffer: what a kind of memory has to offer, and the state
 * it keeps. For the files of src/buffer alone.
 *
 * Lock order: buffer.lock (of two buffers the one at the lower address first),
 * then one of charge.lock, bracket.lock, times.lock, which are leaves. buffer.c
 * takes buffer.lock for the kinds of memory, in the way that struct memory_ops
 * says; see fair_lock.h for why nobody may take it twice.
 */
#ifndef BUFFER_MEMORY_H
#define BUFFER_MEMORY_H

#include "buffer/bracket.h"
#include "buffer/buffer.h"
#include "buffer/charge.h"
#include "buffer/data_times.h"
#include "buffer/pages.h"
#include "buffer/window.h"

#include <pthread.h>

/* Ranges are checked by the caller: no offset is negative, no end overflows. */
struct memory_ops {
	enum buffer_state state;

	/* Under the shared lock. */
	ssize_t (*read)(struct buffer *buffer, void *data, size_t size, off_t offset);
	/* As much as there is room for; -ENOSPC when there is none. */
	ssize_t (*write)(struct buffer *buffer, const void *data, size_t size, off_t offset);
	off_t (*seek)(struct buffer *buffer, off_t offset, int whence);
	void (*stat)(struct buffer *buffer, struct stat *st); /* not of a HEAP_TREE_FILE */
	off_t (*size)(struct buffer *buffer);
	uint64_t (*capacity)(struct buffer *buffer);
	int (*set_times)(struct buffer *buffer, const struct timespec times[2]);
	/*
	 * Both buffers under the shared lock, both with these operations.
	 * -EOPNOTSUPP or NULL: the bytes have to go through read and write.
	 */
	ssize_t (*copy)(struct buffer *from, off_t from_offset, struct buffer *to, off_t to_offset,
			size_t size);
	/* A window's bytes and access; its size is how much there is at most. */
	int (*open_window)(struct buffer *buffer, struct buffer_window *window, off_t offset);
	int (*close_window)(struct buffer *buffer, struct buffer_window *window);
	/* Whether write() may be called for this without make_room(). NULL: it may. */
	bool (*is_ready)(struct buffer *buffer, size_t size, off_t offset);

	/* Under the exclusive lock. */
	/* Makes write() work up to @end, or for a part of it, under this same lock. */
	int (*make_room)(struct buffer *buffer, uint64_t end);
	int (*truncate)(struct buffer *buffer, off_t size);
	int (*allocate)(struct buffer *buffer, int mode, off_t offset, off_t length);
	int (*begin_fill)(struct buffer *buffer, struct buffer_fill *fill);
	/* The size becomes @size, and [waste, waste_end), if it is not empty, zero. */
	int (*finish_fill)(struct buffer *buffer, uint64_t size, uint64_t waste,
			   uint64_t waste_end);
	/* Returns a dma-buf fd. NULL: there are none. */
	int (*export)(struct buffer *buffer);
	/* Takes over a dma-buf of so many bytes, unless it fails. NULL: there are none. */
	int (*import)(struct buffer *buffer, int dmabuf, size_t capacity);
	void (*settle)(struct buffer *buffer);

	/* Nobody else is left. */
	void (*release)(struct buffer *buffer);
};

struct buffer {
	pthread_rwlock_t lock;
	const struct memory_ops *ops; /* changes once, when a memory file's dma-buf comes */
	struct heap *heap;
	struct budget *budget;

	/* A memory file, sized by the kernel. */
	int file;	      /* -1: none */
	struct charge charge; /* what it has taken from the budget, if that counts it */

	/* Memory of a fixed size. */
	struct pages pages;
	struct bracket bracket; /* CPU access to it */
	_Atomic uint64_t size;	/* grows under the shared lock, all else under the exclusive one */
	unsigned fills;		/* begun and not finished */
	uint64_t fills_end;	/* where the furthest of them ends; 0: none */
	uint64_t promised;	/* fallocate asked for memory up to here: not to be trimmed */
	bool trimmed;	    /* once, when it was settled: it keeps what it grows by after that */
	buffer_mover *move; /* NULL: nobody minds */
	void *move_context;
	bool exported;	   /* the memory is what it is, for good */
	bool imported;	   /* and it is somebody else's */
	_Atomic bool lent; /* others than the buffer write to the memory */
	bool refusal_told; /* the log says already why it does not grow */
	struct data_times times;

	struct pages discarded; /* freed when the exclusive lock has been let go */
};

extern const struct memory_ops memory_tree_file;   /* memory_tree.c */
extern const struct memory_ops memory_own_file;	   /* memory_own.c */
extern const struct memory_ops memory_pages;	   /* memory_pages.c */
extern const struct memory_ops memory_pinned_file; /* memory_pinned.c */

/* As the kernel's own checks before a read or write: 0, -EINVAL or -EFBIG. */
int buffer_check_range(off_t offset, size_t size);

/* What memory_pages and memory_pinned_file have in common. */
ssize_t pages_read(struct buffer *buffer, void *data, size_t size, off_t offset);
ssize_t pages_write(struct buffer *buffer, const void *data, size_t size, off_t offset);
off_t pages_seek(struct buffer *buffer, off_t offset, int whence);
void pages_stat(struct buffer *buffer, struct stat *st);
off_t pages_size(struct buffer *buffer);
uint64_t pages_capacity(struct buffer *buffer);
int pages_set_times(struct buffer *buffer, const struct timespec times[2]);
bool pages_is_ready(struct buffer *buffer, size_t size, off_t offset);
int pages_make_room(struct buffer *buffer, uint64_t end);
int pages_truncate(struct buffer *buffer, off_t size);
int pages_allocate(struct buffer *buffer, int mode, off_t offset, off_t length);
int pages_export(struct buffer *buffer);
int pages_import(struct buffer *buffer, int dmabuf, size_t capacity);
void pages_release(struct buffer *buffer);
int pages_open_window(struct buffer *buffer, struct buffer_window *window, off_t offset);
int pages_close_window(struct buffer *buffer, struct buffer_window *window);
int pages_begin_fill(struct buffer *buffer, struct buffer_fill *fill);
int pages_finish_fill(struct buffer *buffer, uint64_t size, uint64_t waste, uint64_t waste_end);

/* memory_pinned.c: fixes the size of memory_own_file and makes the first dma-buf … */
int own_file_export(struct buffer *buffer);
/* … or gives the file up for one that is brought, and the buffer is memory_pages. */
int own_file_import(struct buffer *buffer, int dmabuf, size_t capacity);

/*
 * pages_resize.c: other memory with the same bytes in it. All need the
 * exclusive lock, leave the buffer as it was on an error, and are -EBUSY once
 * the memory is exported.
 */

/* The bytes that count: up to the size, and what is being filled beyond it. */
uint64_t pages_used(struct buffer *buffer);

/* Exactly the pages for @end bytes, if it has fewer. */
int pages_reserve(struct buffer *buffer, uint64_t end);

/* More than @end needs, so that growing stays cheap, or exactly that. */
int pages_reserve_ahead(struct buffer *buffer, uint64_t end);

/* The same, but less where there is no more. */
int pages_grow(struct buffer *buffer, uint64_t end);

/*
 * Drops what exceeds the first @keep bytes, if that is worth it. Returns
 * whether it did: everything beyond @keep is zero then.
 */
bool pages_trim(struct buffer *buffer, uint64_t keep);

uint64_t page_round_up(uint64_t bytes);
uint64_t page_round_down(uint64_t bytes);

static inline uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
