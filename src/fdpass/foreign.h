/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fds passed by clients. Each is received, used and closed by a thread of its own: the fd
 * may be of a filesystem that hangs, or a socket that lingers, and then even closing it
 * blocks. A user with too many such threads gets no more connections.
 */
#ifndef FDPASS_FOREIGN_H
#define FDPASS_FOREIGN_H

#include "fdpass/server.h"

/* At a time. */
#define IMPORTS_PER_USER 2
#define FOREIGN_PER_USER 32
#define FOREIGN_MOST	 512

struct foreign;

/* NULL: out of memory. */
struct foreign *foreign_create(const struct fd_server_user *user);

/* Waits for threads that still use @user. A thread that hangs after that is left behind. */
void foreign_destroy(struct foreign *foreign);

/*
 * Takes over @socket, on which a ticket has come with an fd for @target, unless it fails:
 * -EAGAIN if too many imports are in progress.
 */
int foreign_import(struct foreign *foreign, int socket, uid_t user, void *target);

/* Takes over @socket, which has fds in it, and closes it. */
void foreign_close(struct foreign *foreign, int socket, uid_t user);

/*
 * Starts the threads that could not be started when they were needed. Returns whether some
 * are missing still.
 */
bool foreign_retry(struct foreign *foreign);

/* Returns whether @user may connect: not while too many of the user's fds are in use. */
bool foreign_has_room(struct foreign *foreign, uid_t user);

#endif
