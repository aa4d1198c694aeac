/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections at the door that have not said anything yet. Whoever comes is
 * let in, at the expense of whoever has been silent the longest: of the same
 * user, if he has many. A client sends its ticket at once.
 */
#ifndef SHARE_VISITORS_H
#define SHARE_VISITORS_H

#include <sys/types.h>

#define VISITORS	  32
#define VISITORS_PER_USER 8

struct visitors {
	struct visitor {
		int socket;
		uid_t user;
	} list[VISITORS]; /* the oldest first */
	unsigned count;
};

/* Takes over @socket, a new connection. */
void visitors_add(struct visitors *visitors, int socket);

/* Hands over the connection at @index. */
struct visitor visitors_take(struct visitors *visitors, unsigned index);

/* Hangs up on all. */
void visitors_finish(struct visitors *visitors);

#endif
