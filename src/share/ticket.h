/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tickets that are out. There are few places, and whoever asks gets one: if
 * need be that of his own oldest ticket, and else that of the oldest of all. So
 * a flood of one user costs him alone, and one of many users has to be faster
 * than the clients, who redeem a ticket at once and can ask again.
 *
 * The caller sees to it that only one thread is in here.
 */
#ifndef SHARE_TICKET_H
#define SHARE_TICKET_H

#include "share/protocol.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TICKETS		 128
#define TICKETS_PER_USER 32

/* What a ticket is good for. */
struct grant {
	uid_t user;	 /* who may redeem it */
	uint64_t handle; /* of the open file that it was asked of */
	enum share_want want;
	int fd;	      /* what it gives */
	void *target; /* or where what is brought goes to */
};

struct tickets {
	struct ticket {
		unsigned char bytes[SHARE_TICKET_BYTES];
		struct grant grant;
		int64_t until; /* ms of CLOCK_MONOTONIC; 0: the place is free */
	} places[TICKETS];
	_Atomic unsigned count;
	/* Lets go of what a grant holds that nobody will redeem. */
	void (*drop)(void *context, struct grant *grant);
	void *context;
};

/* Takes @grant over, also on error. 0 or -errno. */
int tickets_issue(struct tickets *tickets, const struct grant *grant,
		  unsigned char bytes[static SHARE_TICKET_BYTES]);

/*
 * Hands over what the ticket is good for, if it is @user's; it is good no more.
 * -ESTALE where there is no such ticket, for whatever reason.
 */
int tickets_redeem(struct tickets *tickets, const unsigned char bytes[static SHARE_TICKET_BYTES],
		   uid_t user, struct grant *grant);

/* The open file @handle is closed. */
void tickets_revoke(struct tickets *tickets, uint64_t handle);

/* Drops those whose time is over; ms until the next one's is, -1 if there is none. */
int tickets_expire(struct tickets *tickets);

/* Drops all. */
void tickets_finish(struct tickets *tickets);

#endif
