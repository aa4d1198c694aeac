/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of records of one size, in shared memory that outlives the process. A process
 * that is killed leaves every record either live, with what its owner has stored, or free.
 */
#ifndef STATE_TABLE_H
#define STATE_TABLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The start of every record. */
struct record {
	_Atomic uint32_t live;
	uint32_t next_free; /* while it is not live: 1 + the index of the next one */
};

struct table {
	char *records;
	size_t record_size;
	uint32_t most;
	_Atomic uint32_t *used; /* shared: no record from this index on was ever live */

	/* Of this process. */
	pthread_mutex_t lock; /* a leaf */
	uint32_t first_free;  /* 1 + an index; 0: none */
};

/* Attaches to the memory of a table. Zeroed memory is an empty table. */
void table_attach(struct table *table, void *records, size_t record_size, uint32_t most,
		  _Atomic uint32_t *used);

/*
 * Returns a zeroed record for the caller to fill in and to publish. NULL: the table is
 * full, or @table is NULL, which is a table for callers that keep nothing.
 */
void *table_add(struct table *table);

/* From here on the record survives the process. NULL is fine. */
void record_publish(void *record);

/* Frees a record, published or not. NULL is fine. */
void table_remove(struct table *table, void *record);

/* Returns the live record after @record, or the first one for NULL; NULL: the end. */
void *table_next(const struct table *table, const void *record);

/* Returns the number of live records. */
uint32_t table_count(const struct table *table);

/* Returns the index of a record, live or not. */
uint32_t table_index(const struct table *table, const void *record);

#endif
