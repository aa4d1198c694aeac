// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/record.h"

#include "buffer/memory.h"

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

void buffer_load(struct buffer *buffer)
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
