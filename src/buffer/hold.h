/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking a buffer's lock, for the files of src/buffer alone. */
#ifndef BUFFER_HOLD_H
#define BUFFER_HOLD_H

#include "buffer/memory.h"
#include "util/scope.h"

static inline struct buffer *share(struct buffer *buffer)
{
	pthread_rwlock_rdlock(&buffer->lock);
	return buffer;
}

static inline void end_share(struct buffer *buffer)
{
	pthread_rwlock_unlock(&buffer->lock);
}

static inline void scope_unshare(struct buffer **buffer)
{
	end_share(*buffer);
}

static inline struct buffer *own(struct buffer *buffer)
{
	pthread_rwlock_wrlock(&buffer->lock);
	return buffer;
}

/* Memory that was replaced meanwhile is freed without the lock: that can take long. */
static inline void scope_disown(struct buffer **buffer)
{
	struct pages discarded;

	pages_move(&discarded, &(*buffer)->discarded);
	pthread_rwlock_unlock(&(*buffer)->lock);
	pages_free(&discarded);
}

/* Hold the buffer to the end of the enclosing block. */
#define with_shared(which) \
	__attribute__((unused)) scope(unshare) struct buffer *shared = share(which)
#define with_exclusive(which) \
	__attribute__((unused)) scope(disown) struct buffer *owned = own(which)

#endif
