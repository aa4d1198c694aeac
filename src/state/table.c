// SPDX-License-Identifier: GPL-2.0-or-later
#include "state/table.h"

#include "util/scope.h"

#include <string.h>

static struct record *record_at(const struct table *table, uint32_t index)
{
	return (struct record *)(table->records + (size_t)index * table->record_size);
}

uint32_t table_index(const struct table *table, const void *record)
{
	return (uint32_t)((size_t)((const char *)record - table->records) / table->record_size);
}

/* table->lock is held. */
static void push(struct table *table, struct record *record)
{
	record->next_free = table->first_free;
	table->first_free = table_index(table, record) + 1;
}

static struct record *take(struct table *table)
{
	guard(mutex)(&table->lock);
	struct record *record;

	if (table->first_free) {
		record = record_at(table, table->first_free - 1);
		table->first_free = record->next_free;
		return record;
	}
	if (*table->used == table->most)
		return NULL;
	return record_at(table, (*table->used)++);
}

void table_attach(struct table *table, void *records, size_t record_size, uint32_t most,
		  _Atomic uint32_t *used)
{
	*table = (struct table){
		.records = records,
		.record_size = record_size,
		.most = most,
		.used = used,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	for (uint32_t i = *used; i-- > 0;)
		if (!record_at(table, i)->live)
			push(table, record_at(table, i));
}

void *table_add(struct table *table)
{
	struct record *record = table ? take(table) : NULL;

	if (record)
		memset(record, 0, table->record_size);
	return record;
}

void record_publish(void *record)
{
	if (record)
		atomic_store(&((struct record *)record)->live, 1);
}

void table_remove(struct table *table, void *removed)
{
	struct record *record = removed;

	if (!record)
		return;
	atomic_store(&record->live, 0);
	guard(mutex)(&table->lock);
	push(table, record);
}

void *table_next(const struct table *table, const void *record)
{
	uint32_t index = record ? table_index(table, record) + 1 : 0;

	for (; index < *table->used; index++)
		if (record_at(table, index)->live)
			return record_at(table, index);
	return NULL;
}

uint32_t table_count(const struct table *table)
{
	const void *record = NULL;
	uint32_t count = 0;

	while ((record = table_next(table, record)))
		count++;
	return count;
}
