/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One fd in a message of a unix socket (SCM_RIGHTS). For both ends of protocol.h. */
#ifndef FDPASS_RIGHTS_H
#define FDPASS_RIGHTS_H

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The control data of a message with one fd. All zeroes at first. */
union rights {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* Adds @fd to @message, which is to be sent. */
static inline void rights_attach(struct msghdr *message, union rights *rights, int fd)
{
	message->msg_control = rights;
	message->msg_controllen = sizeof(*rights);
	struct cmsghdr *header = CMSG_FIRSTHDR(message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
}

/*
 * Prepares @message to receive one fd. The kernel closes those that do not fit. The padding
 * that CMSG_SPACE() includes would fit a second one.
 */
static inline void rights_expect(struct msghdr *message, union rights *rights)
{
	message->msg_control = rights;
	message->msg_controllen = CMSG_LEN(sizeof(int));
}

/*
 * Returns the fd that a received message had. -EBADF if there was none. -EINVAL if there
 * were more, which are closed. -EMFILE if this process has too many open files.
 */
static inline int rights_take(struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	const int truncated = message->msg_flags & MSG_CTRUNC;
	int fd;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return truncated ? -EMFILE : -EBADF;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	if (!truncated)
		return fd;
	close(fd);
	return -EINVAL;
}

#endif
