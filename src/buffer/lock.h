/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks for the files of src/buffer only. */
#ifndef BUFFER_LOCK_H
#define BUFFER_LOCK_H

#include "buffer/memory.h"
#include "util/scope.h"

static inline void buffer_lock_shared(struct buffer *buffer)
{
	pthread_rwlock_rdlock(&buffer->lock);
}

static inline void buffer_lock_exclusive(struct buffer *buffer)
{
	pthread_rwlock_wrlock(&buffer->lock);
}

static inline void buffer_unlock_shared(struct buffer *buffer)
{
	pthread_rwlock_unlock(&buffer->lock);
}

/*
 * Records the buffer for the next process. Frees replaced memory after that and after
 * unlocking: it takes tenths of a second a GiB.
 */
static inline void buffer_unlock_exclusive(struct buffer *buffer)
{
	struct dmabuf discarded;

	buffer_save(buffer);
	dmabuf_move(&discarded, &buffer->discarded);
	pthread_rwlock_unlock(&buffer->lock);
	dmabuf_free(&discarded);
}

/* guard(buffer_shared)(buffer) and guard(buffer_exclusive)(buffer) */
static inline struct buffer *guard_buffer_shared(struct buffer *buffer)
{
	buffer_lock_shared(buffer);
	return buffer;
}

static inline void guard_buffer_shared_end(void *buffer)
{
	buffer_unlock_shared(*(struct buffer **)buffer);
}

static inline struct buffer *guard_buffer_exclusive(struct buffer *buffer)
{
	buffer_lock_exclusive(buffer);
	return buffer;
}

static inline void guard_buffer_exclusive_end(void *buffer)
{
	buffer_unlock_exclusive(*(struct buffer **)buffer);
}

#endif
