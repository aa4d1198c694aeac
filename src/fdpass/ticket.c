// SPDX-License-Identifier: GPL-2.0-or-later
#include "fdpass/ticket.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static struct ticket *end_of(struct tickets *tickets)
{
	return tickets->slots + TICKETS;
}

static void vacate(struct tickets *tickets, struct ticket *ticket)
{
	ticket->until = 0;
	explicit_bzero(ticket->bytes, sizeof(ticket->bytes));
	tickets->count--;
}

static void drop(struct tickets *tickets, struct ticket *ticket)
{
	tickets->drop(tickets->context, &ticket->grant);
	vacate(tickets, ticket);
}

static struct ticket *older(struct ticket *a, struct ticket *b)
{
	return !a || b->until < a->until ? b : a;
}

/* Returns a free slot, after evicting a ticket if there is none for @user. */
static struct ticket *find_slot(struct tickets *tickets, uid_t user)
{
	struct ticket *free = NULL, *own = NULL, *any = NULL;
	unsigned owned = 0;

	for (struct ticket *ticket = tickets->slots; ticket < end_of(tickets); ticket++) {
		if (!ticket->until) {
			free = ticket;
			continue;
		}
		any = older(any, ticket);
		if (ticket->grant.user == user) {
			own = older(own, ticket);
			owned++;
		}
	}
	if (owned < TICKETS_PER_USER && free)
		return free;
	struct ticket *victim = owned < TICKETS_PER_USER ? any : own;

	drop(tickets, victim);
	return victim;
}

int tickets_issue(struct tickets *tickets, const struct grant *grant,
		  unsigned char bytes[static FDPASS_TICKET_BYTES])
{
	struct grant taken = *grant;

	if (getrandom(bytes, FDPASS_TICKET_BYTES, 0) != FDPASS_TICKET_BYTES) {
		tickets->drop(tickets->context, &taken);
		return -EIO;
	}
	tickets_expire(tickets);
	struct ticket *ticket = find_slot(tickets, grant->user);

	*ticket = (struct ticket){.grant = taken, .until = now_ms() + FDPASS_TICKET_SECONDS * 1000};
	memcpy(ticket->bytes, bytes, sizeof(ticket->bytes));
	tickets->count++;
	return 0;
}

/* Takes the same time for all inputs. */
static bool same(const unsigned char *a, const unsigned char *b)
{
	unsigned char difference = 0;

	for (size_t i = 0; i < FDPASS_TICKET_BYTES; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

int tickets_redeem(struct tickets *tickets, const unsigned char bytes[static FDPASS_TICKET_BYTES],
		   uid_t user, struct grant *grant)
{
	tickets_expire(tickets);
	for (struct ticket *ticket = tickets->slots; ticket < end_of(tickets); ticket++) {
		if (!ticket->until || !same(ticket->bytes, bytes) || ticket->grant.user != user)
			continue;
		*grant = ticket->grant;
		vacate(tickets, ticket);
		return 0;
	}
	return -ESTALE;
}

void tickets_revoke(struct tickets *tickets, uint64_t handle)
{
	for (struct ticket *ticket = tickets->slots; ticket < end_of(tickets); ticket++)
		if (ticket->until && ticket->grant.handle == handle)
			drop(tickets, ticket);
}

int tickets_expire(struct tickets *tickets)
{
	const int64_t now = tickets->count ? now_ms() : 0;
	struct ticket *next = NULL;

	if (!tickets->count)
		return -1;
	for (struct ticket *ticket = tickets->slots; ticket < end_of(tickets); ticket++) {
		if (ticket->until && ticket->until <= now)
			drop(tickets, ticket);
		else if (ticket->until)
			next = older(next, ticket);
	}
	return next ? (int)(next->until - now) : -1;
}

void tickets_finish(struct tickets *tickets)
{
	for (struct ticket *ticket = tickets->slots; ticket < end_of(tickets); ticket++)
		if (ticket->until)
			drop(tickets, ticket);
}
