// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/record.h"

#include "buffer/memory.h"

#include <fcntl.h>
#include <unistd.h>

/* The order is that of the records of earlier versions. */
static const struct memory_ops *const kinds[] = {
	&memory_tmpfs, &memory_memfd, &memory_memfd_exported, &memory_staged, &memory_dmabuf,
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static uint32_t kind_of(const struct memory_ops *ops)
{
	uint32_t kind = 0;

	while (kind < KINDS && kinds[kind] != ops)
		kind++;
	return kind;
}

static struct buffer_state_record
describe(const struct buffer *buffer, const struct memory_ops *ops, const struct dmabuf *dmabuf)
{
	return (struct buffer_state_record){
		.kind = kind_of(ops),
		.file = buffer->file,
		.dmabuf = dmabuf->fd,
		.dmabuf_file = dmabuf->file,
		.exporter = buffer->exporter,
		.exported = buffer->exported,
		.imported = buffer->imported,
		.trimmed = buffer->trimmed,
		.lent = buffer->lent,
		.capacity = dmabuf->capacity,
		.promised = buffer->promised,
	};
}

void buffer_save(struct buffer *buffer)
{
	struct buffer_record *record = buffer->record;
	const uint32_t other = !record->current;

	record->states[other] = describe(buffer, buffer->ops, &buffer->dmabuf);
	atomic_store(&record->current, other);
	atomic_store(&record->moving, false);
	atomic_store(&record->fixing, UINT64_MAX);
}

/* To the recorded state. */
static void set(struct buffer *buffer)
{
	const struct buffer_record *record = buffer->record;
	const struct buffer_state_record *state = &record->states[record->current];

	buffer->ops = kinds[state->kind];
	buffer->file = state->file;
	buffer->exporter = state->exporter;
	buffer->exported = state->exported;
	buffer->imported = state->imported;
	buffer->trimmed = state->trimmed;
	buffer->lent = state->lent;
	buffer->promised = state->promised;
	buffer->dmabuf = NO_DMABUF;
	buffer->dmabuf.file = state->dmabuf_file;
	buffer->dmabuf.capacity = (size_t)state->capacity;
	if (state->dmabuf >= 0)
		dmabuf_set_fd(&buffer->dmabuf, buffer->heap, state->dmabuf);
}

/* The process was killed while it fixed a memory file for an export. */
static void finish_fixing(struct buffer *buffer, uint64_t size)
{
	const int seals = fcntl(buffer->file, F_GET_SEALS);

	if (seals >= 0 && seals & F_SEAL_SEAL)
		memfd_finish_fixing(buffer, size);
	else
		(void)!ftruncate(buffer->file, (off_t)size);
}

/* The kernel has the new memory. A memory file was copied to it. */
static void finish_move(struct buffer *buffer)
{
	struct buffer_record *record = buffer->record;
	struct stat st;

	if (buffer->ops == &memory_staged && !fstat(buffer->file, &st) && st.st_size) {
		atomic_store(&record->size, (uint64_t)st.st_size);
		times_set(&record->times, &st);
		(void)!ftruncate(buffer->file, 0);
	}
	record->states[record->current] = record->target;
	set(buffer);
}

bool buffer_record_memory(const struct buffer_record *record, struct buffer_memory *memory)
{
	const struct buffer_state_record *state = &record->states[record->current];
	const struct memory_ops *ops = kinds[state->kind];

	*memory = (struct buffer_memory){
		.state = ops == &memory_dmabuf && !state->capacity ? BUFFER_EMPTY : ops->state,
		.file = state->file,
		.dmabuf = state->dmabuf,
	};
	return ops != &memory_tmpfs;
}

static void count(struct buffer *buffer)
{
	if (buffer->ops == &memory_dmabuf)
		quota_count_dmabuf(buffer->quota, buffer->dmabuf.capacity);
	else if (!buffer_is_in_tmpfs(buffer))
		memfd_settle(buffer);
}

void buffer_load(struct buffer *buffer, bool has_moved)
{
	const struct buffer_record *record = buffer->record;

	set(buffer);
	if (record->moving && has_moved)
		finish_move(buffer);
	if (record->fixing != UINT64_MAX)
		finish_fixing(buffer, record->fixing);
	buffer_save(buffer);
	count(buffer);
}

int buffer_move(struct buffer *buffer, const struct dmabuf *dmabuf, int from, bool imported)
{
	struct buffer_record *record = buffer->record;

	if (!buffer->move)
		return 0;
	record->target = describe(buffer, &memory_dmabuf, dmabuf);
	record->target.exported |= imported;
	record->target.imported |= imported;
	atomic_store(&record->moving, true);
	const int error = buffer->move(buffer->move_context, dmabuf->fd, from);

	if (error)
		atomic_store(&record->moving, false);
	return error;
}
