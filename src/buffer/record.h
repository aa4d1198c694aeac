/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a buffer outlives the process: the fds of its memory, which the next process
 * finds open, and what the kernel does not know. For the files of src/buffer, and for those
 * that know the tables of records.
 *
 * Size and times are changed in place. The rest changes with the buffer's exclusive lock,
 * and all of it at once when that is released. A kernel that is given new memory meanwhile
 * has it before that, so a move is recorded before it is made, see buffer_move().
 */
#ifndef BUFFER_RECORD_H
#define BUFFER_RECORD_H

#include "buffer/times.h"
#include "state/table.h"

#include <sys/types.h>

struct buffer;
struct buffer_memory;
struct dmabuf;
struct memory_ops;

struct buffer_state_record {
	uint32_t kind; /* of memory; see kinds[] in record.c */
	int32_t file, dmabuf, dmabuf_file;
	uint32_t exporter;
	bool exported, imported, trimmed, lent;
	uint64_t capacity, promised;
};

struct buffer_record {
	struct record record;
	uint64_t owner; /* the inode's number */
	_Atomic uint64_t size;
	struct times times;
	struct buffer_state_record states[2];
	_Atomic uint32_t current; /* which of them is */

	/* A move in progress: the kernel may have this memory already. */
	_Atomic bool moving;
	struct buffer_state_record target;
	/* The size of a memory file that is being fixed for its export; else UINT64_MAX. */
	_Atomic uint64_t fixing;
};

/* Records the buffer as it is. */
void buffer_save(struct buffer *buffer);

/*
 * Sets a new buffer to what is recorded, and counts its memory. A move in progress was made if
 * @has_moved.
 */
void buffer_load(struct buffer *buffer, bool has_moved);

/*
 * Tells the memory that is recorded, by fds of the process that recorded it. Returns false if
 * that is the file in the tree itself.
 */
bool buffer_record_memory(const struct buffer_record *record, struct buffer_memory *memory);

/*
 * Calls the buffer's callback for a move to @dmabuf, see buffer_on_move(), and records it
 * first as a move in progress. 0 without a callback.
 */
int buffer_move(struct buffer *buffer, const struct dmabuf *dmabuf, int from, bool imported);

#endif
