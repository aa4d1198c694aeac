// SPDX-License-Identifier: GPL-2.0-or-later
#include "fdpass/foreign.h"

#include "fdpass/clients.h"
#include "fdpass/message.h"
#include "util/scope.h"
#include "util/thread.h"

#include <string.h>

/* A connection with fds in it. The slot is free if @foreign is NULL. */
struct visit {
	struct foreign *foreign;
	int socket;
	uid_t user;
	void *target; /* of an import; NULL: the connection is to be closed */
	bool started; /* a thread has it */
};

struct foreign {
	struct fd_server_user user;
	pthread_mutex_t lock;
	pthread_cond_t less;
	unsigned at_work; /* threads that still use @user */
	bool over;	  /* the last thread frees this */
	unsigned count;	  /* of visits */
	struct visit visits[FOREIGN_MOST];
};

struct foreign *foreign_create(const struct fd_server_user *user)
{
	struct foreign *foreign = calloc(1, sizeof(*foreign));

	if (!foreign)
		return NULL;
	foreign->user = *user;
	pthread_mutex_init(&foreign->lock, NULL);
	pthread_cond_init(&foreign->less, NULL);
	return foreign;
}

static void free_foreign(struct foreign *foreign)
{
	pthread_mutex_destroy(&foreign->lock);
	pthread_cond_destroy(&foreign->less);
	free(foreign);
}

/* Visits without a thread end with the process. */
static bool has_threads(const struct foreign *foreign)
{
	for (size_t i = 0; i < FOREIGN_MOST; i++)
		if (foreign->visits[i].started)
			return true;
	return false;
}

void foreign_destroy(struct foreign *foreign)
{
	bool last;

	if (!foreign)
		return;
	{
		guard(mutex)(&foreign->lock);
		while (foreign->at_work)
			pthread_cond_wait(&foreign->less, &foreign->lock);
		foreign->over = true;
		last = !has_threads(foreign);
	}
	if (last)
		free_foreign(foreign);
}

static unsigned count_of(const struct foreign *foreign, uid_t user, bool imports)
{
	unsigned count = 0;

	for (size_t i = 0; i < FOREIGN_MOST; i++) {
		const struct visit *visit = &foreign->visits[i];

		count += visit->foreign && visit->user == user && (!imports || visit->target);
	}
	return count;
}

/* Connections that were made before the limit was reached need slots, too. */
#define FOREIGN_RESERVE (BACKLOG + CLIENTS)

bool foreign_has_room(struct foreign *foreign, uid_t user)
{
	guard(mutex)(&foreign->lock);
	return foreign->count < FOREIGN_MOST - FOREIGN_RESERVE &&
	       count_of(foreign, user, false) < FOREIGN_PER_USER;
}

/* Returns NULL if there is no slot. foreign->lock is held. */
static struct visit *add(struct foreign *foreign, const struct visit *visit)
{
	for (size_t i = 0; i < FOREIGN_MOST; i++) {
		struct visit *slot = &foreign->visits[i];

		if (slot->foreign)
			continue;
		*slot = *visit;
		foreign->count++;
		return slot;
	}
	return NULL;
}

/* foreign->lock is held. */
static void forget(struct visit *visit)
{
	struct foreign *foreign = visit->foreign;

	*visit = (struct visit){};
	foreign->count--;
}

static void end_work(struct foreign *foreign)
{
	guard(mutex)(&foreign->lock);
	foreign->at_work--;
	pthread_cond_signal(&foreign->less);
}

static void end_visit(struct visit *visit)
{
	struct foreign *foreign = visit->foreign;
	bool last;
	{
		guard(mutex)(&foreign->lock);
		forget(visit);
		last = foreign->over && !has_threads(foreign);
	}
	if (last)
		free_foreign(foreign);
}

/* Returns the fd that came, to be closed. */
static int import(const struct visit *visit)
{
	const struct fd_server_user *user = &visit->foreign->user;
	const int fd = message_receive_fd(visit->socket);
	const int error = fd < 0 ? fd : user->import(user->context, visit->target, fd);

	user->release(user->context, visit->target);
	message_answer(visit->socket, error, -1);
	end_work(visit->foreign);
	return fd;
}

static void *run(void *context)
{
	struct visit *visit = context;
	const int fd = visit->target ? import(visit) : -1;

	/* Either may block for ever. */
	message_hang_up(visit->socket, true);
	close_fd(fd);
	end_visit(visit);
	return NULL;
}

/* foreign->lock is held, so that the thread does not end before this does. */
static int start(struct visit *visit)
{
	const int error = thread_start(NULL, run, visit);

	visit->started = !error;
	return error;
}

int foreign_import(struct foreign *foreign, int socket, uid_t user, void *target)
{
	const struct visit visit = {foreign, socket, user, target, false};
	guard(mutex)(&foreign->lock);

	if (count_of(foreign, user, true) >= IMPORTS_PER_USER)
		return -EAGAIN;
	struct visit *slot = add(foreign, &visit);
	const int error = slot ? start(slot) : -EAGAIN;

	if (!error)
		foreign->at_work++;
	else if (slot)
		forget(slot);
	return error;
}

void foreign_close(struct foreign *foreign, int socket, uid_t user)
{
	const struct visit visit = {foreign, socket, user, NULL, false};
	guard(mutex)(&foreign->lock);
	struct visit *slot = add(foreign, &visit);

	/* foreign_retry() repeats it if it fails. */
	if (slot)
		start(slot);
}

bool foreign_retry(struct foreign *foreign)
{
	guard(mutex)(&foreign->lock);
	bool missing = false;

	for (size_t i = 0; foreign->count && i < FOREIGN_MOST; i++) {
		struct visit *visit = &foreign->visits[i];

		if (visit->foreign && !visit->started)
			missing |= !!start(visit);
	}
	return missing;
}
