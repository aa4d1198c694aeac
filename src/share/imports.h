/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fds that clients bring, each taken in by a thread of its own: it may be of a
 * filesystem that hangs, and then just closing it does. There are few such
 * threads, and fewer for each user.
 */
#ifndef SHARE_IMPORTS_H
#define SHARE_IMPORTS_H

#include "share/share.h"

#define IMPORTS		 8
#define IMPORTS_PER_USER 2

struct imports;

/* NULL: out of memory. */
struct imports *imports_create(const struct share_user *user);

/* Waits for those who use @user's things; who hangs later is left behind. */
void imports_destroy(struct imports *imports);

/*
 * Takes over @socket, on which a ticket has come with an fd for @target, unless
 * there is an error: -EAGAIN where too many are under way.
 */
int imports_start(struct imports *imports, int socket, uid_t user, void *target);

#endif
