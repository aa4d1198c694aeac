// SPDX-License-Identifier: GPL-2.0-or-later
/* Tickets asked for, and the thread at whose door they are redeemed. */
#include "share/share.h"

#include "share/door.h"
#include "share/imports.h"
#include "share/packet.h"
#include "share/visitors.h"
#include "util/log.h"
#include "util/scope.h"
#include "util/thread.h"

#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* One who has a ticket and waits until it can be redeemed. */
struct asker {
	struct asker *next;
	unsigned char ticket[SHARE_TICKET_BYTES];
	uint64_t handle;
	share_ready *ready;
	void *context;
};

struct share {
	const char *mountpoint;
	struct share_user user;
	pthread_t thread;
	int wake; /* eventfd */
	struct imports *imports;

	/* Of the thread alone. */
	int door; /* -1: closed */
	int told; /* the last error of the door that was logged */
	struct visitors visitors;

	/* While it opens the door, for those who answer it by way of the mount. */
	_Atomic pid_t binder; /* the thread, or 0 */
	atomic_bool found;    /* it has come by here */

	pthread_mutex_t lock; /* held for moments */
	struct tickets tickets;
	struct asker *askers;
	bool open; /* tickets can be redeemed */
	bool stopping;
};

static void drop_grant(void *context, struct grant *grant)
{
	const struct share *share = context;

	close_fd(grant->fd);
	if (grant->target)
		share->user.release(share->user.context, grant->target);
}

static void wake(struct share *share)
{
	const uint64_t one = 1;

	(void)!write(share->wake, &one, sizeof(one));
}

/* --- asking ---------------------------------------------------------------------- */

/* -EINPROGRESS: the asker will hear of it. */
static int enter(struct share *share, const struct grant *grant, struct asker *asker)
{
	with_lock(&share->lock);
	if (share->stopping) {
		struct grant over = *grant;

		drop_grant(share, &over);
		return -ENOTCONN;
	}
	int error = tickets_issue(&share->tickets, grant, asker->ticket);

	if (error || share->open)
		return error;
	asker->next = share->askers;
	share->askers = asker;
	wake(share);
	return -EINPROGRESS;
}

void share_issue(struct share *share, const struct grant *grant, share_ready *ready, void *context)
{
	struct asker *asker = malloc(sizeof(*asker));

	if (!asker) {
		struct grant over = *grant;

		drop_grant(share, &over);
		ready(context, -ENOMEM, NULL);
		return;
	}
	*asker = (struct asker){.handle = grant->handle, .ready = ready, .context = context};
	int error = enter(share, grant, asker);

	if (error == -EINPROGRESS)
		return;
	ready(context, error, asker->ticket);
	free(asker);
}

void share_revoke(struct share *share, uint64_t handle)
{
	if (!share->tickets.count)
		return;
	with_lock(&share->lock);
	tickets_revoke(&share->tickets, handle);
	if (!share->tickets.count)
		wake(share);
}

/* Tells all who wait; those to whom it is an error get no more from their tickets. */
static void answer_askers(struct share *share, int error)
{
	struct asker *askers;
	{
		with_lock(&share->lock);
		askers = share->askers;
		share->askers = NULL;
		share->open = !error;
		for (struct asker *asker = askers; error && asker; asker = asker->next)
			tickets_revoke(&share->tickets, asker->handle);
	}
	while (askers) {
		struct asker *next = askers->next;

		askers->ready(askers->context, error, askers->ticket);
		free(askers);
		askers = next;
	}
}

/* --- the door -------------------------------------------------------------------- */

/* The kernel calls everybody 0 whom our pid namespace does not know. */
static bool is_binder(const struct share *share, pid_t thread)
{
	return thread && thread == share->binder;
}

bool share_shows(struct share *share, pid_t thread)
{
	if (is_binder(share, thread)) {
		share->found = true;
		return false;
	}
	with_lock(&share->lock);
	return share->open;
}

bool share_may_bind(struct share *share, pid_t thread)
{
	return is_binder(share, thread);
}

/* Something else may lie over the mountpoint by now, and is to get no socket. */
static int open_door(struct share *share)
{
	scope(fd) int directory = open(share->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return -errno;
	share->found = false;
	door_look(directory);
	return share->found ? door_open(directory) : -ENOTCONN;
}

/* Once: whoever likes can ask as often as he likes. */
static void tell(struct share *share, int error)
{
	if (error && error != share->told)
		log_warning("no memory can be shared by way of %s: %s", share->mountpoint,
			    strerror(-error));
	share->told = error;
}

/* By way of the mount itself, whose other threads answer. */
static void let_askers_in(struct share *share)
{
	int error = 0;

	if (share->door < 0) {
		share->binder = gettid();
		share->door = open_door(share);
		share->binder = 0;
		error = share->door < 0 ? share->door : 0;
	}
	tell(share, error);
	answer_askers(share, error);
}

/* Without tickets nobody has any business here, and an open door keeps the mount busy. */
static void shut_door(struct share *share)
{
	visitors_finish(&share->visitors);
	close_fd(steal_fd(&share->door));
}

/* --- the thread ------------------------------------------------------------------ */

/* What is to be done next; *timeout is how long that will hold, in ms. */
enum task { TASK_WAIT, TASK_LET_IN, TASK_SHUT, TASK_STOP };

static enum task next_task(struct share *share, int *timeout)
{
	with_lock(&share->lock);
	*timeout = tickets_expire(&share->tickets);
	if (share->stopping)
		return TASK_STOP;
	if (share->askers)
		return TASK_LET_IN;
	if (share->tickets.count || share->door < 0)
		return TASK_WAIT;
	share->open = false;
	return TASK_SHUT;
}

static bool is_last_ticket(struct share *share)
{
	with_lock(&share->lock);
	if (share->tickets.count || share->askers)
		return false;
	share->open = false;
	return true;
}

static void give(int socket, int fd)
{
	packet_answer(socket, 0, fd);
	close_fd(fd);
}

static void take(struct share *share, const struct visitor *visitor, const struct grant *grant)
{
	int error = imports_start(share->imports, visitor->socket, visitor->user, grant->target);

	if (!error)
		return;
	share->user.release(share->user.context, grant->target);
	packet_answer(visitor->socket, error, -1);
}

/* He has said something, or gone. */
static void serve(struct share *share, const struct visitor *visitor)
{
	unsigned char ticket[SHARE_TICKET_BYTES];
	struct grant grant;
	int error = packet_peek(visitor->socket, ticket);

	if (!error) {
		with_lock(&share->lock);
		error = tickets_redeem(&share->tickets, ticket, visitor->user, &grant);
	}
	if (error) {
		packet_answer(visitor->socket, error, -1);
		return;
	}
	/* Before the answer, for who has it may want to unmount. */
	if (is_last_ticket(share))
		shut_door(share);
	if (grant.want == SHARE_IMPORT)
		take(share, visitor, &grant);
	else
		give(visitor->socket, grant.fd);
}

static void let_visitor_in(struct share *share)
{
	int socket = accept4(share->door, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (socket >= 0)
		visitors_add(&share->visitors, socket);
	else if (errno == EMFILE || errno == ENFILE)
		/* Who waits at the door would wake this thread again and again. */
		usleep(10000);
}

static void look_around(struct share *share, int timeout)
{
	struct pollfd polled[2 + VISITORS] = {
		{.fd = share->wake, .events = POLLIN},
		{.fd = share->door, .events = POLLIN},
	};
	const unsigned count = share->visitors.count;
	uint64_t wakes;

	for (unsigned i = 0; i < count; i++)
		polled[2 + i] =
			(struct pollfd){.fd = share->visitors.list[i].socket, .events = POLLIN};
	if (poll(polled, 2 + count, timeout) <= 0)
		return;
	/* Backwards, for those who are served leave the list; and all are before any new one. */
	for (unsigned i = count; i-- > 0;) {
		if (!polled[2 + i].revents || i >= share->visitors.count)
			continue;
		const struct visitor visitor = visitors_take(&share->visitors, i);

		serve(share, &visitor);
	}
	if (polled[0].revents)
		(void)!read(share->wake, &wakes, sizeof(wakes));
	if (polled[1].revents && share->door >= 0)
		let_visitor_in(share);
}

static void *run(void *context)
{
	struct share *share = context;
	enum task task;
	int timeout;

	while ((task = next_task(share, &timeout)) != TASK_STOP) {
		if (task == TASK_LET_IN)
			let_askers_in(share);
		else if (task == TASK_SHUT)
			shut_door(share);
		else
			look_around(share, timeout);
	}
	shut_door(share);
	answer_askers(share, -ENOTCONN);
	return NULL;
}

/* --- its life -------------------------------------------------------------------- */

static void free_share(struct share *share)
{
	close_fd(share->wake);
	imports_destroy(share->imports);
	pthread_mutex_destroy(&share->lock);
	free(share);
}

int share_create(struct share **created, const char *mountpoint, const struct share_user *user)
{
	struct share *share = calloc(1, sizeof(*share));
	int error = 0;

	if (!share)
		return -ENOMEM;
	share->mountpoint = mountpoint;
	share->user = *user;
	share->door = -1;
	share->tickets.drop = drop_grant;
	share->tickets.context = share;
	pthread_mutex_init(&share->lock, NULL);
	share->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	share->imports = imports_create(user);
	if (share->wake < 0 || !share->imports)
		error = -ENOMEM;
	if (!error)
		error = thread_start(&share->thread, NULL, run, share);
	if (error)
		free_share(share);
	else
		*created = share;
	return error;
}

void share_stop(struct share *share)
{
	if (!share)
		return;
	with_lock(&share->lock);
	share->stopping = true;
	tickets_finish(&share->tickets);
	wake(share);
}

void share_destroy(struct share *share)
{
	if (!share)
		return;
	pthread_join(share->thread, NULL);
	free_share(share);
}
