/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a buffer: what a kind of memory has to offer, and the state
 * it keeps. For the files of src/buffer alone.
 *
 * Lock order: buffer.lock (of two buffers the one at the lower address first),
 * then charge.lock, which is a leaf. buffer.c takes buffer.lock for the kinds
 * of memory, in the way that struct memory_ops says. It lets no new reader in
 * while a writer waits, so it must not be taken twice.
 */
#ifndef BUFFER_MEMORY_H
#define BUFFER_MEMORY_H

#include "buffer/buffer.h"
#include "buffer/charge.h"

#include <pthread.h>

/* Ranges are checked by the caller: no offset is negative, no end overflows. */
struct memory_ops {
	enum buffer_state state;

	/* Under the shared lock. */
	ssize_t (*read)(struct buffer *buffer, void *data, size_t size, off_t offset);
	/* As much as there is room for; -ENOSPC when there is none. */
	ssize_t (*write)(struct buffer *buffer, const void *data, size_t size, off_t offset);
	off_t (*seek)(struct buffer *buffer, off_t offset, int whence);
	void (*stat)(struct buffer *buffer, struct stat *st);
	uint64_t (*capacity)(struct buffer *buffer);
	int (*set_times)(struct buffer *buffer, const struct timespec times[2]);
	/*
	 * Both buffers under the shared lock, both with these operations.
	 * -EOPNOTSUPP or NULL: the bytes have to go through read and write.
	 */
	ssize_t (*copy)(struct buffer *from, off_t from_offset, struct buffer *to, off_t to_offset,
			size_t size);

	/* Under the exclusive lock. */
	int (*truncate)(struct buffer *buffer, off_t size);
	int (*allocate)(struct buffer *buffer, int mode, off_t offset, off_t length);
	void (*settle)(struct buffer *buffer);

	/* Nobody else is left. */
	void (*release)(struct buffer *buffer);
};

struct buffer {
	pthread_rwlock_t lock;
	const struct memory_ops *ops;
	struct heap *heap;
	struct budget *budget;

	int file;	      /* the memory file */
	struct charge charge; /* what it has taken from the budget, if that counts it */
};

extern const struct memory_ops memory_tree_file; /* memory_file.c */
extern const struct memory_ops memory_own_file;	 /* memory_file.c */

uint64_t page_round_up(uint64_t bytes);
uint64_t page_round_down(uint64_t bytes);

#endif
