// SPDX-License-Identifier: GPL-2.0-or-later
#include "fdpass/message.h"

#include "util/scope.h"

#include <string.h>
#include <sys/socket.h>

/* Room for one fd. The kernel closes those that do not fit. */
union fd_room {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int message_peek(int socket, unsigned char ticket[static FDPASS_TICKET_BYTES])
{
	/* One byte more than a ticket, to recognise longer messages. */
	unsigned char message[FDPASS_TICKET_BYTES + 1];
	ssize_t length = recv(socket, message, sizeof(message), MSG_PEEK | MSG_DONTWAIT);

	if (length != FDPASS_TICKET_BYTES)
		return -EINVAL;
	memcpy(ticket, message, FDPASS_TICKET_BYTES);
	return 0;
}

int message_receive_fd(int socket)
{
	char ticket[FDPASS_TICKET_BYTES];
	union fd_room room = {};
	struct iovec data = {.iov_base = ticket, .iov_len = sizeof(ticket)};
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = sizeof(room),
	};

	if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return -EBADF;
	int fd;

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

void message_answer(int socket, int error, int fd)
{
	struct fdpass_answer answer = {.error = error};
	union fd_room room = {};
	struct iovec data = {.iov_base = &answer, .iov_len = sizeof(answer)};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	char ignored;

	if (!error && fd >= 0)
		attach(&message, &room, fd);
	/* Closing a socket with unread data discards the answer. An fd in it is closed. */
	(void)recv(socket, &ignored, sizeof(ignored), MSG_DONTWAIT);
	/* The client may be gone. */
	(void)sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	close_fd(socket);
}
