/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file handles of open files and directories, which the kernel passes with requests. A
 * handle is a number, so that it still means the file to the next process.
 */
#ifndef FS_HANDLE_H
#define FS_HANDLE_H

#include "fs/users.h"
#include "state/table.h"

/* What of an open file or directory outlives the process. */
struct handle_record {
	struct record record;
	uint64_t handle;
	uint64_t request; /* that it was opened by */
	uint64_t ino;
	uint32_t user;
	int32_t flags; /* of open(2) */
	int32_t fd;    /* of a directory; -1: it is a file */
	uint32_t mode; /* enum open_mode */
	bool parked;
};

/* The start of an open file or directory. */
struct handle {
	struct handle_record *record;
};

struct handles {
	struct table *records;
	struct handle **by_index;
	struct users *users;
	_Atomic uint64_t *last; /* number; in shared memory */
};

/* The most open files and directories. */
#define HANDLES_MOST (1u << (sizeof(void *) > 4 ? 22 : 16))

/* 0 or -ENOMEM. @last counts handles, and outlives the process. */
int handles_init(struct handles *handles, struct users *users, struct table *records,
		 _Atomic uint64_t *last);

/* Frees all open files and directories. */
void handles_finish(struct handles *handles);

/*
 * Gives @handle a number, and counts it for @user. 0, or -errno as from users_open(), or
 * -EMFILE if there are too many. It is recorded by handle_publish(), when the caller has
 * filled in the rest of the record.
 */
int handle_add(struct handles *handles, struct handle *handle, uid_t user);
void handle_publish(struct handle *handle);

/* Adds the handle that an earlier process has recorded. 0 or -ENOMEM. */
int handle_restore(struct handles *handles, struct handle *handle, struct handle_record *record);

/* The handle is released: the next process does not know it any more. */
void handle_forget(struct handle *handle);

/* Ends a handle, forgotten or not. The caller frees it. */
void handle_remove(struct handles *handles, struct handle *handle);

/* NULL: there is none (any more). */
struct handle *handle_find(const struct handles *handles, uint64_t number);

#endif
