// SPDX-License-Identifier: GPL-2.0-or-later
#include "share/visitors.h"

#include "util/scope.h"

#include <string.h>
#include <sys/socket.h>

struct visitor visitors_take(struct visitors *visitors, unsigned index)
{
	const struct visitor taken = visitors->list[index];

	visitors->count--;
	memmove(visitors->list + index, visitors->list + index + 1,
		(visitors->count - index) * sizeof(taken));
	return taken;
}

/* The oldest of @user if he has as many as he may, else of all if it is full; -1: none. */
static int find_victim(const struct visitors *visitors, uid_t user)
{
	unsigned owned = 0;
	int oldest = -1;

	for (unsigned i = 0; i < visitors->count; i++) {
		if (visitors->list[i].user != user)
			continue;
		owned++;
		if (oldest < 0)
			oldest = (int)i;
	}
	if (owned >= VISITORS_PER_USER)
		return oldest;
	return visitors->count == VISITORS ? 0 : -1;
}

void visitors_add(struct visitors *visitors, int socket)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size)) {
		close_fd(socket);
		return;
	}
	const int victim = find_victim(visitors, peer.uid);

	if (victim >= 0)
		close_fd(visitors_take(visitors, (unsigned)victim).socket);
	visitors->list[visitors->count++] = (struct visitor){.socket = socket, .user = peer.uid};
}

void visitors_finish(struct visitors *visitors)
{
	while (visitors->count)
		close_fd(visitors_take(visitors, visitors->count - 1).socket);
}
