/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other end of protocol.h: tickets are issued here, and a thread redeems
 * them at the socket. It knows no FUSE and no buffer.
 *
 * The socket is bound by way of the mount itself, so that the mount's kernel
 * side knows it, and that asks this process: share_shows() and share_may_bind()
 * answer, and must not wait for anything.
 */
#ifndef SHARE_SHARE_H
#define SHARE_SHARE_H

#include "share/ticket.h"

struct share;

struct share_user {
	void *context;
	/*
	 * An fd of anything at all has been brought for a target, and stays the
	 * caller's. On a thread of its own, for what it is may hang. 0 or -errno.
	 */
	int (*import)(void *context, void *target, int fd);
	/* The target is not needed any more. */
	void (*release)(void *context, void *target);
};

/* @mountpoint, absolute, and what @user has outlive it. 0 or -errno. */
int share_create(struct share **share, const char *mountpoint, const struct share_user *user);

/*
 * Issues no more tickets and drops those there are. When the mount is dead,
 * so that binding can't hang, share_destroy() ends it. NULL is fine.
 */
void share_stop(struct share *share);
void share_destroy(struct share *share);

/*
 * Issues a ticket for @grant, which is taken over, also on an error. @ready is
 * called when it can be redeemed, or never will be: at once, or by the thread.
 */
typedef void share_ready(void *context, int error, const unsigned char *ticket);
void share_issue(struct share *share, const struct grant *grant, share_ready *ready, void *context);

/* The open file @handle is closed. */
void share_revoke(struct share *share, uint64_t handle);

/* Whether the socket is there for @thread, which looks it up. */
bool share_shows(struct share *share, pid_t thread);

/* Whether @thread may make the socket: it is ours. */
bool share_may_bind(struct share *share, pid_t thread);

#endif
