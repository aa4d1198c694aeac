/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of tickets. Issuing never fails for lack of a slot: if a user has many
 * tickets, the user's oldest is evicted, and if the table is full, the oldest of all. So
 * a flood by one user costs only that user's tickets. A flood by many users must be
 * faster than the clients, which redeem a ticket at once and can ask again.
 *
 * The caller serialises all calls.
 */
#ifndef FDPASS_TICKET_H
#define FDPASS_TICKET_H

#include "fdpass/protocol.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TICKETS		 128
#define TICKETS_PER_USER 32

/* The authorization behind a ticket. */
struct grant {
	uid_t user;	 /* may redeem it */
	uint64_t handle; /* of the open file */
	enum fdpass_want want;
	int fd;	      /* to be passed to the client; -1: none */
	void *target; /* the file that an imported fd goes to, or NULL */
};

struct tickets {
	struct ticket {
		unsigned char bytes[FDPASS_TICKET_BYTES];
		struct grant grant;
		int64_t until; /* ms of CLOCK_MONOTONIC; 0: the slot is free */
	} slots[TICKETS];
	_Atomic unsigned count;
	/* Releases the fd and target of a grant that will not be redeemed. */
	void (*drop)(void *context, struct grant *grant);
	void *context;
};

/* Takes @grant over, also on an error. 0 or -errno. */
int tickets_issue(struct tickets *tickets, const struct grant *grant,
		  unsigned char bytes[static FDPASS_TICKET_BYTES]);

/*
 * Removes the ticket and hands its grant over, if it is @user's. -ESTALE if there is no
 * such ticket, for any reason.
 */
int tickets_redeem(struct tickets *tickets, const unsigned char bytes[static FDPASS_TICKET_BYTES],
		   uid_t user, struct grant *grant);

/* Drops the tickets of the open file @handle, which is being closed. */
void tickets_revoke(struct tickets *tickets, uint64_t handle);

/* Drops expired tickets. Returns the ms until the next one expires, -1 if there is none. */
int tickets_expire(struct tickets *tickets);

/* Drops all tickets. */
void tickets_finish(struct tickets *tickets);

#endif
