// SPDX-License-Identifier: GPL-2.0-or-later
#include "share/door.h"

#include "share/protocol.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 128

void door_look(int directory)
{
	struct stat st;

	(void)fstatat(directory, SHARE_SOCKET, &st, AT_SYMLINK_NOFOLLOW);
}

int door_open(int directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	scope(fd) int door = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (door < 0)
		return -errno;
	/* Mountpoints may have longer names than addresses. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SHARE_SOCKET,
		 directory);
	if (bind(door, (struct sockaddr *)&address, sizeof(address)) || listen(door, BACKLOG))
		return -errno;
	return steal_fd(&door);
}
