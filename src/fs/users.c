// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/users.h"

#include "util/scope.h"

#include <search.h>
#include <stdbool.h>

struct user {
	uid_t uid;
	uint64_t opens, names;
};

static int compare(const void *a, const void *b)
{
	const struct user *left = a, *right = b;

	return left->uid < right->uid ? -1 : left->uid > right->uid;
}

void users_init(struct users *users, uint64_t opens_limit, uint64_t names_limit)
{
	*users = (struct users){.opens_limit = opens_limit, .names_limit = names_limit};
	pthread_mutex_init(&users->lock, NULL);
}

void users_finish(struct users *users)
{
	while (users->by_uid) {
		struct user *user = *(struct user **)users->by_uid;

		tdelete(user, &users->by_uid, compare);
		free(user);
	}
	while (users->handles) {
		struct handle *handle = users->handles;

		users->handles = handle->next;
		free(handle);
	}
	pthread_mutex_destroy(&users->lock);
}

/* Returns the record of @uid, made if there is none; NULL: out of memory. */
static struct user *find(struct users *users, uid_t uid)
{
	const struct user key = {.uid = uid};
	struct user **found = tfind(&key, &users->by_uid, compare);

	if (found)
		return *found;
	struct user *user = malloc(sizeof(*user));

	if (!user)
		return NULL;
	*user = key;
	if (tsearch(user, &users->by_uid, compare))
		return user;
	free(user);
	return NULL;
}

static void drop_if_unused(struct users *users, struct user *user)
{
	if (user->opens || user->names)
		return;
	tdelete(user, &users->by_uid, compare);
	free(user);
}

static bool is_limited(const struct user *user)
{
	return user->uid != 0;
}

int users_open(struct users *users, uid_t uid)
{
	guard(mutex)(&users->lock);
	struct user *user = find(users, uid);

	if (!user)
		return -ENOMEM;
	if (is_limited(user) && user->opens >= users->opens_limit) {
		drop_if_unused(users, user);
		return -EUSERS;
	}
	user->opens++;
	return 0;
}

void users_close(struct users *users, uid_t uid)
{
	guard(mutex)(&users->lock);
	struct user *user = find(users, uid);

	user->opens--;
	drop_if_unused(users, user);
}

int users_add_handle(struct users *users, struct handle *handle, uid_t uid)
{
	const int error = users_open(users, uid);

	if (error)
		return error;
	guard(mutex)(&users->lock);
	*handle = (struct handle){.next = users->handles, .at = &users->handles, .user = uid};
	if (handle->next)
		handle->next->at = &handle->next;
	users->handles = handle;
	return 0;
}

void users_remove_handle(struct users *users, struct handle *handle)
{
	{
		guard(mutex)(&users->lock);
		*handle->at = handle->next;
		if (handle->next)
			handle->next->at = handle->at;
	}
	users_close(users, handle->user);
}

int users_add_name(struct users *users, uid_t uid)
{
	guard(mutex)(&users->lock);
	struct user *user = find(users, uid);

	if (!user)
		return -ENOMEM;
	if (is_limited(user) && user->names >= users->names_limit) {
		drop_if_unused(users, user);
		return -EDQUOT;
	}
	user->names++;
	return 0;
}

void users_remove_names(struct users *users, uid_t uid, uint64_t count)
{
	guard(mutex)(&users->lock);
	struct user *user = count ? find(users, uid) : NULL;

	if (!user)
		return;
	user->names -= count < user->names ? count : user->names;
	drop_if_unused(users, user);
}

void users_move_names(struct users *users, uid_t from, uid_t to, uint64_t count)
{
	{
		guard(mutex)(&users->lock);
		struct user *user = count ? find(users, to) : NULL;

		if (user)
			user->names += count;
	}
	users_remove_names(users, from, count);
}
