// SPDX-License-Identifier: GPL-2.0-or-later
#include "fdpass/message.h"

#include "fdpass/rights.h"
#include "util/scope.h"

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
	union rights rights = {};
	struct iovec data = {.iov_base = ticket, .iov_len = sizeof(ticket)};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	rights_expect(&message, &rights);
	if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	return rights_take(&message);
}

void message_answer(int socket, int error, int fd)
{
	struct fdpass_answer answer = {.error = error};
	union rights rights = {};
	struct iovec data = {.iov_base = &answer, .iov_len = sizeof(answer)};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (!error && fd >= 0)
		rights_attach(&message, &rights, fd);
	/* The client may be gone. */
	(void)sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

enum waiting { WAITING_NOTHING, WAITING_BYTES, WAITING_FDS };

/*
 * Looks at the next message. Every message has credentials, once these are asked for, so
 * that an empty one differs from the end. The fds do not fit, so they are not received.
 */
static enum waiting look_ahead(int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} room;
	struct msghdr message = {.msg_control = &room, .msg_controllen = sizeof(room)};

	if (recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT) < 0)
		return WAITING_NOTHING;
	if (message.msg_flags & MSG_CTRUNC)
		return WAITING_FDS;
	return CMSG_FIRSTHDR(&message) ? WAITING_BYTES : WAITING_NOTHING;
}

bool message_hang_up(int socket, bool may_block)
{
	const int on = 1;
	enum waiting waiting;
	char ignored;

	/* The client can send no more. It can still receive the answer. */
	shutdown(socket, SHUT_RDWR);
	setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	/* Closing a socket with unread messages would discard the answer. */
	while ((waiting = look_ahead(socket)) != WAITING_NOTHING) {
		if (waiting == WAITING_FDS && !may_block)
			return false;
		(void)recv(socket, &ignored, sizeof(ignored), MSG_DONTWAIT);
	}
	close_fd(socket);
	return true;
}
