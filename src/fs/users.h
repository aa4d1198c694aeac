/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each user has of the mount, and at most: open files and directories, and names.
 * Root has no limits. The kernel gives this process the user of a request; the owner of a
 * file is in its attributes.
 */
#ifndef FS_USERS_H
#define FS_USERS_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The start of the file handle of an open file or directory. Allocated by malloc(3), and
 * freed by users_finish() if the kernel has not released it by then.
 */
struct handle {
	struct handle *next, **at; /* in the list of all; *at points here */
	uid_t user;
};

struct users {
	pthread_mutex_t lock; /* a leaf */
	void *by_uid;	      /* of struct user, for tsearch(3) */
	struct handle *handles;
	uint64_t opens_limit, names_limit;
};

void users_init(struct users *users, uint64_t opens_limit, uint64_t names_limit);
void users_finish(struct users *users);

/*
 * An open file or directory of @uid, or a file that this process keeps open for @uid.
 * 0, -ENOMEM, or -EUSERS at the limit, which fs_reply_error() turns into EMFILE.
 */
int users_open(struct users *users, uid_t uid);
void users_close(struct users *users, uid_t uid);

/* The same with the handle of the file, which the caller frees after its release. */
int users_add_handle(struct users *users, struct handle *handle, uid_t uid);
void users_remove_handle(struct users *users, struct handle *handle);

/* A new name of a file that @uid owns. 0, -ENOMEM, or -EDQUOT at the limit. */
int users_add_name(struct users *users, uid_t uid);
void users_remove_names(struct users *users, uid_t uid, uint64_t count);

/* A file with @count names has changed its owner, beyond the limit if need be. */
void users_move_names(struct users *users, uid_t from, uid_t to, uint64_t count);

#endif
