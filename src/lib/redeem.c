// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lib/redeem.h"

#include "lib/place.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Others may crowd our ticket or connection out; with luck not every time. */
#define ATTEMPTS 10

/* Longer than a ticket is good for. */
#define PATIENCE_MS ((SHARE_TICKET_SECONDS + 1) * 1000)

static int ask(int file, enum share_want want, struct share_ticket *ticket)
{
	*ticket = (struct share_ticket){.want = want};
	if (!ioctl(file, SHARE_IOC_TICKET, ticket))
		return 0;
	/* Files of other filesystems, and mounts that are older than this. */
	return errno == ENOTTY ? -ENODEV : -errno;
}

static int connect_to(const struct sockaddr_un *address)
{
	int socket_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (socket_fd < 0)
		return -errno;
	if (!connect(socket_fd, (const struct sockaddr *)address, sizeof(*address)))
		return socket_fd;
	const int error = -errno;

	close(socket_fd);
	return error;
}

static int connect_at(const char *directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int length =
		snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SHARE_SOCKET, directory);

	if (length < (int)sizeof(address.sun_path))
		return connect_to(&address);
	/* Directories may have longer names than addresses. */
	const int file = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (file < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SHARE_SOCKET,
		 file);
	const int result = connect_to(&address);

	close(file);
	return result;
}

union fd_room {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_ticket(int socket_fd, struct share_ticket *ticket, int brought)
{
	union fd_room room = {.bytes = {0}};
	struct iovec data = {.iov_base = ticket->ticket, .iov_len = sizeof(ticket->ticket)};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (brought >= 0) {
		message.msg_control = &room;
		message.msg_controllen = sizeof(room);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(brought));
		memcpy(CMSG_DATA(header), &brought, sizeof(brought));
	}
	return sendmsg(socket_fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int wait_for(int socket_fd)
{
	struct pollfd polled = {.fd = socket_fd, .events = POLLIN};
	int count;

	do {
		count = poll(&polled, 1, PATIENCE_MS);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return -errno;
	return count ? 0 : -ETIMEDOUT;
}

/* The fd that came, or 0. */
static int fd_in(struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		/* This process may have no room for another. */
		return message->msg_flags & MSG_CTRUNC ? -EMFILE : 0;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static int receive(int socket_fd)
{
	struct share_answer answer;
	union fd_room room;
	struct iovec data = {.iov_base = &answer, .iov_len = sizeof(answer)};
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = sizeof(room),
	};
	int error = wait_for(socket_fd);

	if (error)
		return error;
	const ssize_t length = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);

	if (length < 0)
		return -errno;
	/* Hung up on without a word. */
	if (length < (ssize_t)sizeof(answer))
		return -ECONNRESET;
	return answer.error ? answer.error : fd_in(&message);
}

static int talk(int socket_fd, struct share_ticket *ticket, int brought)
{
	int error = send_ticket(socket_fd, ticket, brought);

	if (error)
		return error;
	const int result = receive(socket_fd);

	/* The other end keeps the mount busy until it is closed, too. */
	if (result >= 0)
		wait_for(socket_fd);
	return result;
}

static int redeem_once(int file, const char *directory, enum share_want want, int brought)
{
	struct share_ticket ticket;
	int error = ask(file, want, &ticket);

	if (error)
		return error;
	const int socket_fd = connect_at(directory);

	if (socket_fd < 0)
		return socket_fd;
	const int result = talk(socket_fd, &ticket, brought);

	close(socket_fd);
	return result;
}

static bool was_crowded_out(int error)
{
	return error == -ESTALE || error == -ECONNRESET || error == -EPIPE || error == -EAGAIN ||
	       error == -ECONNREFUSED;
}

static int redeem_at(int file, const char *directory, enum share_want want, int brought)
{
	int result = -ESTALE;

	for (unsigned int i = 0; i < ATTEMPTS && was_crowded_out(result); i++) {
		if (i)
			usleep(1000u << i);
		result = redeem_once(file, directory, want, brought);
	}
	return result;
}

int redeem(int file, const char *path, enum share_want want, int brought)
{
	char *directory = place_find(file, path);
	struct share_ticket ticket;
	int result;

	if (directory) {
		result = redeem_at(file, directory, want, brought);
	} else {
		/* What is wrong with the file is the better answer. */
		result = ask(file, want, &ticket);
		result = result ? result : -ENOENT;
	}
	free(directory);
	return result;
}
