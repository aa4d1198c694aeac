// SPDX-License-Identifier: GPL-2.0-or-later
#include "share/packet.h"

#include "util/scope.h"

#include <string.h>
#include <sys/socket.h>

/* Room for one fd; the kernel closes what does not fit. */
union fd_room {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int packet_peek(int socket, unsigned char ticket[static SHARE_TICKET_BYTES])
{
	/* One byte more than there may be: the packet could be longer. */
	unsigned char packet[SHARE_TICKET_BYTES + 1];
	ssize_t length = recv(socket, packet, sizeof(packet), MSG_PEEK | MSG_DONTWAIT);

	if (length != SHARE_TICKET_BYTES)
		return -EINVAL;
	memcpy(ticket, packet, SHARE_TICKET_BYTES);
	return 0;
}

int packet_take_fd(int socket)
{
	char ticket[SHARE_TICKET_BYTES];
	union fd_room room = {};
	struct iovec data = {.iov_base = ticket, .iov_len = sizeof(ticket)};
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = sizeof(room),
	};
	int fd;

	if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return -EBADF;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void attach(struct msghdr *message, union fd_room *room, int fd)
{
	message->msg_control = room;
	message->msg_controllen = sizeof(*room);
	struct cmsghdr *header = CMSG_FIRSTHDR(message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
}

void packet_answer(int socket, int error, int fd)
{
	struct share_answer answer = {.error = error};
	union fd_room room = {};
	struct iovec data = {.iov_base = &answer, .iov_len = sizeof(answer)};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	char ignored;

	if (!error && fd >= 0)
		attach(&message, &room, fd);
	/* What is left unread would take the answer's place. An fd in it is dropped. */
	(void)recv(socket, &ignored, sizeof(ignored), MSG_DONTWAIT);
	/* Whoever has gone away does not get it. */
	(void)sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	close_fd(socket);
}
