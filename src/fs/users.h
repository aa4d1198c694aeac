/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each user has of the mount, and at most: open files and directories, and names.
 * Root has no limits. The kernel gives this process the user of a request; the owner of a
 * file is in its attributes.
 */
#ifndef FS_USERS_H
#define FS_USERS_H

#include "state/table.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

/* What of a user outlives the process. */
struct user_record {
	struct record record;
	uint32_t uid;
	_Atomic uint64_t names;
};

struct users {
	pthread_mutex_t lock;  /* a leaf */
	void *by_uid;	       /* of struct user, for tsearch(3) */
	struct table *records; /* NULL: nothing is kept */
	uint64_t opens_limit, names_limit;
};

void users_init(struct users *users, struct table *records, uint64_t opens_limit,
		uint64_t names_limit);
void users_finish(struct users *users);

/*
 * An open file or directory of @uid, or a file that this process keeps open for @uid.
 * 0, -ENOMEM, or -EUSERS at the limit, which fs_reply_error() turns into EMFILE.
 */
int users_open(struct users *users, uid_t uid);
void users_close(struct users *users, uid_t uid);

/* The same for one that was open in an earlier process, beyond the limit if need be. */
int users_restore_open(struct users *users, uid_t uid);

/* Adds the users whom an earlier process has recorded. 0 or -ENOMEM. */
int users_restore(struct users *users);

/* A new name of a file that @uid owns. 0, -ENOMEM, or -EDQUOT at the limit. */
int users_add_name(struct users *users, uid_t uid);
void users_remove_names(struct users *users, uid_t uid, uint64_t count);

/* A file with @count names has changed its owner, beyond the limit if need be. */
void users_move_names(struct users *users, uid_t from, uid_t to, uint64_t count);

#endif
