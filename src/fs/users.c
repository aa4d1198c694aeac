// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/users.h"

#include "state/request.h"
#include "util/scope.h"

#include <search.h>
#include <stdbool.h>

struct user {
	uid_t uid;
	uint64_t opens;
	_Atomic uint64_t *names; /* in the record, or own_names */
	_Atomic uint64_t own_names;
	struct user_record *record; /* NULL: nothing is kept */
};

static int compare(const void *a, const void *b)
{
	const struct user *left = a, *right = b;

	return left->uid < right->uid ? -1 : left->uid > right->uid;
}

void users_init(struct users *users, struct table *records, uint64_t opens_limit,
		uint64_t names_limit)
{
	*users = (struct users){
		.records = records, .opens_limit = opens_limit, .names_limit = names_limit};
	pthread_mutex_init(&users->lock, NULL);
}

void users_finish(struct users *users)
{
	while (users->by_uid) {
		struct user *user = *(struct user **)users->by_uid;

		tdelete(user, &users->by_uid, compare);
		free(user);
	}
	pthread_mutex_destroy(&users->lock);
}

static struct user_record *record(struct users *users, uid_t uid)
{
	struct user_record *record = table_add(users->records);

	if (!record)
		return NULL;
	record->uid = uid;
	record_publish(record);
	return record;
}

/* Takes @record over; without one, if the table is full, the count does not outlive us. */
static struct user *add(struct users *users, uid_t uid, struct user_record *record)
{
	struct user *user = calloc(1, sizeof(*user));

	if (user) {
		user->uid = uid;
		user->record = record;
		user->names = record ? &record->names : &user->own_names;
	}
	if (user && tsearch(user, &users->by_uid, compare))
		return user;
	free(user);
	table_remove(users->records, record);
	return NULL;
}

/* Returns the user @uid, made if there is none; NULL: out of memory. */
static struct user *find(struct users *users, uid_t uid)
{
	const struct user key = {.uid = uid};
	struct user **found = tfind(&key, &users->by_uid, compare);

	if (found)
		return *found;
	return add(users, uid, record(users, uid));
}

static void drop_if_unused(struct users *users, struct user *user)
{
	if (user->opens || *user->names)
		return;
	tdelete(user, &users->by_uid, compare);
	table_remove(users->records, user->record);
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

int users_restore_open(struct users *users, uid_t uid)
{
	guard(mutex)(&users->lock);
	struct user *user = find(users, uid);

	if (!user)
		return -ENOMEM;
	user->opens++;
	return 0;
}

/* Users with neither names nor open files go when they close one. */
int users_restore(struct users *users)
{
	struct user_record *record = NULL;
	guard(mutex)(&users->lock);

	while ((record = table_next(users->records, record)))
		if (!add(users, record->uid, record))
			return -ENOMEM;
	return 0;
}

static void count_names(struct user *user, int64_t delta)
{
	if (user->record)
		request_count(user->names, delta);
	else
		*user->names += (uint64_t)delta;
}

int users_add_name(struct users *users, uid_t uid)
{
	guard(mutex)(&users->lock);
	struct user *user = find(users, uid);

	if (!user)
		return -ENOMEM;
	if (is_limited(user) && *user->names >= users->names_limit) {
		drop_if_unused(users, user);
		return -EDQUOT;
	}
	count_names(user, 1);
	return 0;
}

void users_remove_names(struct users *users, uid_t uid, uint64_t count)
{
	guard(mutex)(&users->lock);
	struct user *user = count ? find(users, uid) : NULL;

	if (!user)
		return;
	count_names(user, -(int64_t)(count < *user->names ? count : *user->names));
	drop_if_unused(users, user);
}

void users_move_names(struct users *users, uid_t from, uid_t to, uint64_t count)
{
	{
		guard(mutex)(&users->lock);
		struct user *user = count ? find(users, to) : NULL;

		if (user)
			count_names(user, (int64_t)count);
	}
	users_remove_names(users, from, count);
}
