/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fds passed by clients, each received by a thread of its own: the fd may be of a
 * filesystem that hangs, and then even closing it blocks. There are few such threads, and
 * fewer for each user.
 */
#ifndef FDPASS_IMPORT_H
#define FDPASS_IMPORT_H

#include "fdpass/server.h"

#define IMPORTS		 8
#define IMPORTS_PER_USER 2

struct imports;

/* NULL: out of memory. */
struct imports *imports_create(const struct fd_server_user *user);

/* Waits for threads that still use @user. A thread that hangs after that is left behind. */
void imports_destroy(struct imports *imports);

/*
 * Takes over @socket, on which a ticket has come with an fd for @target, unless it fails:
 * -EAGAIN if too many imports are in progress.
 */
int imports_start(struct imports *imports, int socket, uid_t user, void *target);

#endif
