/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server side of protocol.h: it issues tickets, and a thread redeems them at the
 * socket. It knows no FUSE and no buffer.
 *
 * The thread binds the socket in the mount itself, so that the kernel's side of the mount
 * knows it. The kernel asks this process about that name:
 * fd_server_shows_socket() and fd_server_may_bind() answer, and never block.
 */
#ifndef FDPASS_SERVER_H
#define FDPASS_SERVER_H

#include "fdpass/ticket.h"

struct fd_server;

struct fd_server_user {
	void *context;
	/*
	 * Makes @fd, which may be of any kind and stays the caller's, the memory of @target.
	 * Runs on a thread of its own, since I/O on @fd may hang. 0 or -errno.
	 */
	int (*import)(void *context, void *target, int fd);
	/* Releases @target, held by a grant. */
	void (*release)(void *context, void *target);
};

/* @mountpoint is absolute. It and the context of @user outlive the server. 0 or -errno. */
int fd_server_create(struct fd_server **server, const char *mountpoint,
		     const struct fd_server_user *user);

/*
 * Drops all tickets, and frees the server. If its thread waits for the mount, both stay until
 * the process ends.
 */
void fd_server_end(struct fd_server *server);

/*
 * Issues a ticket for @grant, which is taken over, also on an error. Calls @ready when the
 * ticket can be redeemed or the attempt has failed: at once, or from the thread.
 */
typedef void ticket_ready(void *context, int error, const unsigned char *ticket);
void fd_server_issue(struct fd_server *server, const struct grant *grant, ticket_ready *ready,
		     void *context);

/* Drops the tickets of the open file @handle, which is being closed. */
void fd_server_revoke(struct fd_server *server, uint64_t handle);

/* Returns whether the socket exists for @thread, which looks it up. */
bool fd_server_shows_socket(struct fd_server *server, pid_t thread);

/*
 * Returns whether @user may connect. The kernel looks the socket up for every connection, or
 * asks for its attributes, so an error there refuses it.
 */
bool fd_server_admits(struct fd_server *server, uid_t user);

/* Returns whether @thread may create the socket: it is the server's. */
bool fd_server_may_bind(struct fd_server *server, pid_t thread);

#endif
