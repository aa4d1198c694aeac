/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that have not sent a ticket yet. A new one is always accepted. It evicts
 * the one that has been silent the longest: of the same user if that user has many, else
 * of all if the table is full. A client sends its ticket at once.
 */
#ifndef FDPASS_CLIENTS_H
#define FDPASS_CLIENTS_H

#include <stdbool.h>
#include <sys/types.h>

#define BACKLOG		 128 /* connections that are not accepted yet */
#define CLIENTS		 32
#define CLIENTS_PER_USER 8

struct clients {
	struct client {
		int socket;
		uid_t user;
	} list[CLIENTS]; /* the oldest first */
	unsigned count;
};

/*
 * Takes over @socket, a new connection. Returns whether one was evicted, which is handed
 * over in @evicted.
 */
bool clients_add(struct clients *clients, int socket, struct client *evicted);

/* Removes the connection at @index and hands it over. */
struct client clients_take(struct clients *clients, unsigned index);

#endif
