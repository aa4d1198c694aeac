// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/handle.h"

#include "state/request.h"

#include <errno.h>
#include <stdlib.h>

/* A number has the index in the table in its low bits. */
#define INDEX_BITS 24
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)

_Static_assert(HANDLES_MOST <= INDEX_MASK, "an index fits");

int handles_init(struct handles *handles, struct users *users, struct table *records,
		 _Atomic uint64_t *last)
{
	*handles = (struct handles){.records = records, .users = users, .last = last};
	handles->by_index = calloc(records->most, sizeof(struct handle *));
	return handles->by_index ? 0 : -ENOMEM;
}

void handles_finish(struct handles *handles)
{
	for (uint32_t i = 0; handles->by_index && i < *handles->records->used; i++)
		free(handles->by_index[i]);
	free(handles->by_index);
}

static struct handle **place_of(const struct handles *handles, const struct handle_record *record)
{
	return &handles->by_index[table_index(handles->records, record)];
}

int handle_add(struct handles *handles, struct handle *handle, uid_t user)
{
	const int error = users_open(handles->users, user);
	struct handle_record *record = error ? NULL : table_add(handles->records);

	if (error)
		return error;
	if (!record) {
		users_close(handles->users, user);
		return -EMFILE;
	}
	record->handle = ++*handles->last << INDEX_BITS | table_index(handles->records, record);
	record->request = request_unique();
	record->user = user;
	record->fd = -1;
	handle->record = record;
	*place_of(handles, record) = handle;
	return 0;
}

void handle_publish(struct handle *handle)
{
	record_publish(handle->record);
}

int handle_restore(struct handles *handles, struct handle *handle, struct handle_record *record)
{
	handle->record = record;
	*place_of(handles, record) = handle;
	return users_restore_open(handles->users, record->user);
}

void handle_forget(struct handle *handle)
{
	atomic_store(&handle->record->record.live, 0);
}

void handle_remove(struct handles *handles, struct handle *handle)
{
	users_close(handles->users, handle->record->user);
	*place_of(handles, handle->record) = NULL;
	table_remove(handles->records, handle->record);
}

struct handle *handle_find(const struct handles *handles, uint64_t number)
{
	const uint32_t index = number & INDEX_MASK;
	struct handle *handle = index < handles->records->most ? handles->by_index[index] : NULL;

	return handle && handle->record->handle == number ? handle : NULL;
}
