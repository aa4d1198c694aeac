// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lib/client.h"

#include "fdpass/rights.h"
#include "lib/find_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

/* Other processes may evict our ticket or connection, but hardly every time. */
#define ATTEMPTS 10

/* Longer than a ticket is valid. */
#define TIMEOUT_MS ((FDPASS_TICKET_SECONDS + 1) * 1000)

static int get_ticket(int file, enum fdpass_want want, struct fdpass_ticket *ticket)
{
	*ticket = (struct fdpass_ticket){.want = want};
	if (!ioctl(file, FDPASS_IOC_TICKET, ticket))
		return 0;
	/* The file is of another filesystem, or of an older version's mount. */
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
	const int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/" FDPASS_SOCKET,
				    directory);

	if (length < (int)sizeof(address.sun_path))
		return connect_to(&address);
	/* The path of a directory may be longer than an address can be. */
	const int file = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (file < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" FDPASS_SOCKET,
		 file);
	const int result = connect_to(&address);

	close(file);
	return result;
}

static int send_ticket(int socket_fd, struct fdpass_ticket *ticket, int passed)
{
	union rights rights = {.bytes = {0}};
	struct iovec data = {.iov_base = ticket->ticket, .iov_len = sizeof(ticket->ticket)};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (passed >= 0)
		rights_attach(&message, &rights, passed);
	return sendmsg(socket_fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int wait_for(int socket_fd)
{
	struct pollfd polled = {.fd = socket_fd, .events = POLLIN};
	int count;

	do {
		count = poll(&polled, 1, TIMEOUT_MS);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return -errno;
	return count ? 0 : -ETIMEDOUT;
}

/* Returns the fd that came, or 0. An fd that comes with an error is closed. */
static int judge(const struct fdpass_answer *answer, ssize_t length, int fd)
{
	if (length == sizeof(*answer) && !answer->error && fd != -EBADF)
		return fd;
	if (fd >= 0)
		close(fd);
	/* The server closed the connection without an answer. */
	if (length != sizeof(*answer))
		return -ECONNRESET;
	return answer->error;
}

static int receive(int socket_fd)
{
	struct fdpass_answer answer;
	union rights rights;
	struct iovec data = {.iov_base = &answer, .iov_len = sizeof(answer)};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	int error = wait_for(socket_fd);

	if (error)
		return error;
	rights_expect(&message, &rights);
	const ssize_t length = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);

	if (length < 0)
		return -errno;
	return judge(&answer, length, rights_take(&message));
}

static int talk(int socket_fd, struct fdpass_ticket *ticket, int passed)
{
	int error = send_ticket(socket_fd, ticket, passed);

	if (error)
		return error;
	const int result = receive(socket_fd);

	/* The server's end keeps the mount busy until it is closed, too. */
	if (result >= 0)
		wait_for(socket_fd);
	return result;
}

static int redeem_once(int file, const char *directory, enum fdpass_want want, int passed)
{
	struct fdpass_ticket ticket;
	int error = get_ticket(file, want, &ticket);

	if (error)
		return error;
	const int socket_fd = connect_at(directory);

	if (socket_fd < 0)
		return socket_fd;
	const int result = talk(socket_fd, &ticket, passed);

	close(socket_fd);
	return result;
}

/* Or the process that issued the ticket was killed, and its socket is gone. */
static bool was_evicted(int error)
{
	return error == -ESTALE || error == -ECONNRESET || error == -EPIPE || error == -EAGAIN ||
	       error == -ECONNREFUSED || error == -ENOENT;
}

static int redeem_at(int file, const char *directory, enum fdpass_want want, int passed)
{
	int result = -ESTALE;

	for (unsigned int i = 0; i < ATTEMPTS && was_evicted(result); i++) {
		if (i)
			usleep(1000u << i);
		result = redeem_once(file, directory, want, passed);
	}
	return result;
}

int fdpass_redeem(int file, const char *path, enum fdpass_want want, int passed)
{
	char *directory = fdpass_find_mount(file, path);
	struct fdpass_ticket ticket;
	int result;

	if (directory) {
		result = redeem_at(file, directory, want, passed);
	} else {
		/* An error of the file itself is the better answer. */
		result = get_ticket(file, want, &ticket);
		result = result ? result : -ENOENT;
	}
	free(directory);
	return result;
}
