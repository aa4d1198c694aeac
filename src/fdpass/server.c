// SPDX-License-Identifier: GPL-2.0-or-later
#include "fdpass/server.h"

#include "fdpass/clients.h"
#include "fdpass/foreign.h"
#include "fdpass/message.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/scope.h"
#include "util/thread.h"

#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* A request for a ticket that waits until the server listens. */
struct waiter {
	struct waiter *next;
	unsigned char ticket[FDPASS_TICKET_BYTES];
	uint64_t handle;
	ticket_ready *ready;
	void *context;
};

struct fd_server {
	const char *mountpoint;
	struct fd_server_user user;
	pthread_t thread;
	int wake; /* eventfd */
	struct foreign *foreign;

	/* Used by the thread only. */
	int listener;	  /* -1: not listening */
	int logged_error; /* the last error of listening that was logged */
	struct clients clients;

	/* While the thread binds, for the threads that answer the mount's requests. */
	_Atomic pid_t binder; /* the thread's id, or 0 */
	atomic_bool found;    /* its lookup of the socket has come to this mount */

	pthread_mutex_t lock; /* a leaf */
	struct tickets tickets;
	struct waiter *waiters;
	bool listening; /* tickets can be redeemed */
	bool stopping;
};

static void drop_grant(void *context, struct grant *grant)
{
	const struct fd_server *server = context;

	close_fd(grant->fd);
	if (grant->target)
		server->user.release(server->user.context, grant->target);
}

static void wake(struct fd_server *server)
{
	const uint64_t one = 1;

	(void)!write(server->wake, &one, sizeof(one));
}

/* --- issuing tickets --------------------------------------------------------------- */

/* -EINPROGRESS: the thread will call the waiter. */
static int issue(struct fd_server *server, const struct grant *grant, struct waiter *waiter)
{
	guard(mutex)(&server->lock);
	if (server->stopping) {
		struct grant dropped = *grant;

		drop_grant(server, &dropped);
		return -ENOTCONN;
	}
	const int error = tickets_issue(&server->tickets, grant, waiter->ticket);

	if (error || server->listening)
		return error;
	waiter->next = server->waiters;
	server->waiters = waiter;
	wake(server);
	return -EINPROGRESS;
}

void fd_server_issue(struct fd_server *server, const struct grant *grant, ticket_ready *ready,
		     void *context)
{
	struct waiter *waiter = malloc(sizeof(*waiter));

	if (!waiter) {
		struct grant dropped = *grant;

		drop_grant(server, &dropped);
		ready(context, -ENOMEM, NULL);
		return;
	}
	*waiter = (struct waiter){.handle = grant->handle, .ready = ready, .context = context};
	const int error = issue(server, grant, waiter);

	if (error == -EINPROGRESS)
		return;
	ready(context, error, waiter->ticket);
	free(waiter);
}

void fd_server_revoke(struct fd_server *server, uint64_t handle)
{
	if (!server->tickets.count)
		return;
	guard(mutex)(&server->lock);
	tickets_revoke(&server->tickets, handle);
	if (!server->tickets.count)
		wake(server);
}

/* Calls all waiters. If @error is not 0, their tickets are dropped. */
static void answer_waiters(struct fd_server *server, int error)
{
	struct waiter *waiters;
	{
		guard(mutex)(&server->lock);
		waiters = server->waiters;
		server->waiters = NULL;
		server->listening = !error;
		for (struct waiter *waiter = waiters; error && waiter; waiter = waiter->next)
			tickets_revoke(&server->tickets, waiter->handle);
	}
	while (waiters) {
		struct waiter *next = waiters->next;

		waiters->ready(waiters->context, error, waiters->ticket);
		free(waiters);
		waiters = next;
	}
}

/* --- the listening socket ---------------------------------------------------------- */

/* The kernel reports 0 for threads that are not in our pid namespace. */
static bool is_binder(const struct fd_server *server, pid_t thread)
{
	return thread && thread == server->binder;
}

bool fd_server_shows_socket(struct fd_server *server, pid_t thread)
{
	if (is_binder(server, thread)) {
		server->found = true;
		return false;
	}
	guard(mutex)(&server->lock);
	return server->listening;
}

bool fd_server_admits(struct fd_server *server, uid_t user)
{
	return foreign_has_room(server->foreign, user);
}

bool fd_server_may_bind(struct fd_server *server, pid_t thread)
{
	return is_binder(server, thread);
}

/* Binds below @directory, an O_PATH fd of the mount's root. Returns the socket, or -errno. */
static int bind_below(int directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	scope(fd) int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (listener < 0)
		return -errno;
	/* The path of the mountpoint may be longer than an address can be. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" FDPASS_SOCKET,
		 directory);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, BACKLOG))
		return -errno;
	return steal_fd(&listener);
}

/*
 * Something else may be mounted over the mountpoint by now, and must not get a socket. So
 * look the socket up first, and see whether the lookup comes here.
 */
static int open_listener(struct fd_server *server)
{
	scope(fd) int directory = open(server->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (directory < 0)
		return -errno;
	server->found = false;
	(void)fstatat(directory, FDPASS_SOCKET, &st, AT_SYMLINK_NOFOLLOW);
	return server->found ? bind_below(directory) : -ENOTCONN;
}

/* Once for each error, as any user can cause it any number of times. */
static void log_once(struct fd_server *server, int error)
{
	if (error && error != server->logged_error)
		log_warning("cannot export buffers of %s: %s", server->mountpoint,
			    strerror(-error));
	server->logged_error = error;
}

/* Binding makes requests to the mount, which other threads of this process answer. */
static void start_listening(struct fd_server *server)
{
	int error = 0;

	if (server->listener < 0) {
		server->binder = gettid();
		server->listener = open_listener(server);
		server->binder = 0;
		error = server->listener < 0 ? server->listener : 0;
	}
	log_once(server, error);
	answer_waiters(server, error);
}

/* --- connections ------------------------------------------------------------------- */

static void hang_up(struct fd_server *server, const struct client *client)
{
	if (!message_hang_up(client->socket, false))
		foreign_close(server->foreign, client->socket, client->user);
}

/* Returns false if no client waits. */
static bool accept_client(struct fd_server *server)
{
	const int socket = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client evicted;

	if (socket < 0)
		return false;
	if (clients_add(&server->clients, socket, &evicted))
		hang_up(server, &evicted);
	return true;
}

/*
 * Without tickets no client can succeed, and a listening socket keeps the mount busy.
 * Clients that have not been accepted may have sent fds, so they are accepted first.
 */
static void stop_listening(struct fd_server *server)
{
	if (server->listener >= 0)
		shutdown(server->listener, SHUT_RDWR);
	while (accept_client(server))
		;
	while (server->clients.count) {
		const struct client client = clients_take(&server->clients, 0);

		hang_up(server, &client);
	}
	close_fd(steal_fd(&server->listener));
}

/* --- the thread -------------------------------------------------------------------- */

enum task { TASK_POLL, TASK_LISTEN, TASK_CLOSE, TASK_STOP };

/* After which foreign_retry() is called again. */
#define RETRY_MS 100

/* Returns the next task, and in *@timeout the ms after which to ask again. */
static enum task next_task(struct fd_server *server, int *timeout)
{
	const bool retry = foreign_retry(server->foreign);
	guard(mutex)(&server->lock);

	*timeout = tickets_expire(&server->tickets);
	if (retry && (*timeout < 0 || *timeout > RETRY_MS))
		*timeout = RETRY_MS;
	if (server->stopping)
		return TASK_STOP;
	if (server->waiters)
		return TASK_LISTEN;
	if (server->tickets.count || server->listener < 0)
		return TASK_POLL;
	server->listening = false;
	return TASK_CLOSE;
}

static bool was_last_ticket(struct fd_server *server)
{
	guard(mutex)(&server->lock);
	if (server->tickets.count || server->waiters)
		return false;
	server->listening = false;
	return true;
}

static void answer(struct fd_server *server, const struct client *client, int error, int fd)
{
	message_answer(client->socket, error, fd);
	hang_up(server, client);
}

static void import_fd(struct fd_server *server, const struct client *client,
		      const struct grant *grant)
{
	const int error =
		foreign_import(server->foreign, client->socket, client->user, grant->target);

	if (!error)
		return;
	server->user.release(server->user.context, grant->target);
	answer(server, client, error, -1);
}

/* The client has sent a message, or has closed the connection. */
static void serve(struct fd_server *server, const struct client *client)
{
	unsigned char ticket[FDPASS_TICKET_BYTES];
	struct grant grant;
	int error = message_peek(client->socket, ticket);

	if (!error) {
		guard(mutex)(&server->lock);
		error = tickets_redeem(&server->tickets, ticket, client->user, &grant);
	}
	if (error) {
		answer(server, client, error, -1);
		return;
	}
	/* Before the answer, as the client may unmount next. */
	if (was_last_ticket(server))
		stop_listening(server);
	if (grant.want == FDPASS_IMPORT) {
		import_fd(server, client, &grant);
		return;
	}
	answer(server, client, 0, grant.fd);
	close_fd(grant.fd);
}

static void poll_clients(struct fd_server *server, int timeout)
{
	struct pollfd polled[2 + CLIENTS] = {
		{.fd = server->wake, .events = POLLIN},
		{.fd = server->listener, .events = POLLIN},
	};
	const unsigned count = server->clients.count;
	uint64_t wakes;

	for (unsigned i = 0; i < count; i++)
		polled[2 + i] =
			(struct pollfd){.fd = server->clients.list[i].socket, .events = POLLIN};
	if (poll(polled, 2 + count, timeout) <= 0)
		return;
	/* Backwards, since served clients leave the list, and before any new one is added. */
	for (unsigned i = count; i-- > 0;) {
		if (!polled[2 + i].revents || i >= server->clients.count)
			continue;
		const struct client client = clients_take(&server->clients, i);

		serve(server, &client);
	}
	if (polled[0].revents)
		(void)!read(server->wake, &wakes, sizeof(wakes));
	if (polled[1].revents && server->listener >= 0 && !accept_client(server) &&
	    (errno == EMFILE || errno == ENFILE))
		/* poll() would return at once, again and again. */
		usleep(10000);
}

static void *run(void *context)
{
	struct fd_server *server = context;
	enum task task;
	int timeout;

	while ((task = next_task(server, &timeout)) != TASK_STOP) {
		if (task == TASK_LISTEN)
			start_listening(server);
		else if (task == TASK_CLOSE)
			stop_listening(server);
		else
			poll_clients(server, timeout);
	}
	stop_listening(server);
	answer_waiters(server, -ENOTCONN);
	return NULL;
}

/* --- life -------------------------------------------------------------------------- */

static void free_server(struct fd_server *server)
{
	close_fd(server->wake);
	foreign_destroy(server->foreign);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

int fd_server_create(struct fd_server **created, const char *mountpoint,
		     const struct fd_server_user *user)
{
	struct fd_server *server = calloc(1, sizeof(*server));
	int error = 0;

	if (!server)
		return -ENOMEM;
	server->mountpoint = mountpoint;
	server->user = *user;
	server->listener = -1;
	server->tickets.drop = drop_grant;
	server->tickets.context = server;
	pthread_mutex_init(&server->lock, NULL);
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->foreign = foreign_create(user);
	if (server->wake < 0 || !server->foreign)
		error = -ENOMEM;
	if (!error)
		error = thread_start(&server->thread, run, server);
	if (error)
		free_server(server);
	else
		*created = server;
	return error;
}

/* The thread may be waiting for the mount, which no one serves any more. */
#define END_SECONDS 0.5

void fd_server_end(struct fd_server *server)
{
	{
		guard(mutex)(&server->lock);
		server->stopping = true;
		tickets_finish(&server->tickets);
		wake(server);
	}
	const struct timespec until = clock_in(CLOCK_REALTIME, END_SECONDS);

	if (!pthread_timedjoin_np(server->thread, NULL, &until))
		free_server(server);
}
