// SPDX-License-Identifier: GPL-2.0-or-later
#include "fdpass/clients.h"

#include <string.h>
#include <sys/socket.h>

struct client clients_take(struct clients *clients, unsigned index)
{
	const struct client taken = clients->list[index];

	clients->count--;
	memmove(clients->list + index, clients->list + index + 1,
		(clients->count - index) * sizeof(taken));
	return taken;
}

/*
 * Returns the connection to evict: @user's oldest if @user is at the limit, else the
 * oldest of all if the table is full, else -1.
 */
static int find_victim(const struct clients *clients, uid_t user)
{
	unsigned owned = 0;
	int oldest = -1;

	for (unsigned i = 0; i < clients->count; i++) {
		if (clients->list[i].user != user)
			continue;
		owned++;
		if (oldest < 0)
			oldest = (int)i;
	}
	if (owned >= CLIENTS_PER_USER)
		return oldest;
	return clients->count == CLIENTS ? 0 : -1;
}

bool clients_add(struct clients *clients, int socket, struct client *evicted)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t size = sizeof(peer);

	getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	const int victim = find_victim(clients, peer.uid);

	if (victim >= 0)
		*evicted = clients_take(clients, (unsigned)victim);
	clients->list[clients->count++] = (struct client){.socket = socket, .user = peer.uid};
	return victim >= 0;
}
