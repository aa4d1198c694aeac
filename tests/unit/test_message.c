// SPDX-License-Identifier: GPL-2.0-or-later
/* fds in messages: each is received or closed, whatever a client sends, and none blocks. */
#include "fdpass/clients.h"
#include "fdpass/foreign.h"
#include "fdpass/message.h"
#include "fdpass/rights.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

static const unsigned char ticket[FDPASS_TICKET_BYTES] = "0123456789abcde";

/* The daemon's end, and the client's. */
static int server, client;

static void connect_ends(void)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	server = ends[0];
	client = ends[1];
}

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Sends @length bytes with @count fds, which are closed here, so that the last reference is sent.
 */
static void send_fds(const void *bytes, size_t length, const int *fds, unsigned count)
{
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(253 * sizeof(int))] = {0};
	struct iovec data = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (count) {
		message.msg_control = room;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(client, &message, MSG_NOSIGNAL), (ssize_t)length);
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

static void send_pipes(size_t length, unsigned count)
{
	int fds[253], ends[2];

	for (unsigned i = 0; i < count; i++) {
		ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
		close(ends[1]);
		fds[i] = ends[0];
	}
	send_fds(ticket, length, fds, count);
}

/* --- receiving ---------------------------------------------------------------------- */

static const struct {
	unsigned count;
	int result;
} packets[] = {{0, -EBADF}, {1, 0}, {2, -EINVAL}, {3, -EINVAL}, {4, -EINVAL}, {253, -EINVAL}};

START_TEST(one_fd_is_received_and_others_are_closed)
{
	const int before = open_fds();

	connect_ends();
	send_pipes(sizeof(ticket), packets[_i].count);
	const int fd = message_receive_fd(server);

	if (packets[_i].result)
		ck_assert_int_eq(fd, packets[_i].result);
	else
		ck_assert_int_ge(fd, 0);
	if (fd >= 0)
		close(fd);
	ck_assert(message_hang_up(server, false));
	close(client);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

/* --- hanging up --------------------------------------------------------------------- */

/* Messages of 16, 0 and 1 bytes, without fds. */
START_TEST(messages_without_fds_are_discarded)
{
	struct fdpass_answer answer;

	connect_ends();
	send_pipes(sizeof(ticket), 0);
	send_pipes(0, 0);
	send_pipes(1, 0);
	message_answer(server, -ESTALE, -1);
	ck_assert(message_hang_up(server, false));
	ck_assert_int_eq(recv(client, &answer, sizeof(answer), 0), sizeof(answer));
	ck_assert_int_eq(answer.error, -ESTALE);
	ck_assert_int_eq(recv(client, &answer, sizeof(answer), 0), 0);
	close(client);
}
END_TEST

/* The position of the message that has an fd, and its length. */
static const struct {
	int before;
	size_t length;
} hidden[] = {{0, 16}, {0, 0}, {1, 16}, {2, 0}, {5, 1}};

START_TEST(fds_in_any_message_are_noticed)
{
	connect_ends();
	for (int i = 0; i < hidden[_i].before; i++)
		send_pipes((size_t)i % 2 * sizeof(ticket), 0);
	send_pipes(hidden[_i].length, 1);
	ck_assert(!message_hang_up(server, false));
	/* It is too late for more. */
	ck_assert_int_lt(send(client, "x", 1, MSG_NOSIGNAL), 0);
	ck_assert(message_hang_up(server, true));
	close(client);
}
END_TEST

/* --- a socket that lingers when it is closed ------------------------------------------ */

#define LINGERS 20 /* seconds */

/* Returns a connected socket with unsent data, and in @peer the other end, which never reads. */
static int lingering_socket(int *peer)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const struct linger linger = {.l_onoff = 1, .l_linger = LINGERS};
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int own = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(address);
	const int small = 4096;
	static char bytes[1 << 20];

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&address, &length);
	ck_assert_int_eq(connect(own, (struct sockaddr *)&address, length), 0);
	*peer = accept(listener, NULL, NULL);
	close(listener);
	while (send(own, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	setsockopt(own, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	return own;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static const struct fd_server_user no_user = {.context = NULL};

START_TEST(a_lingering_socket_does_not_hold_up_the_server)
{
	int peers[FOREIGN_PER_USER];
	const double begin = now();
	struct foreign *foreign = foreign_create(&no_user);

	ck_assert_ptr_nonnull(foreign);
	for (int i = 0; i < FOREIGN_PER_USER; i++) {
		ck_assert(foreign_has_room(foreign, 4001));
		const int fd = lingering_socket(&peers[i]);

		connect_ends();
		send_fds(ticket, sizeof(ticket), &fd, 1);
		ck_assert(!message_hang_up(server, false));
		foreign_close(foreign, server, 4001);
		close(client);
	}
	ck_assert(!foreign_has_room(foreign, 4001));
	ck_assert(foreign_has_room(foreign, 4002));
	foreign_destroy(foreign);
	ck_assert(now() - begin < LINGERS / 2.0);
	/* The threads end with the connections. */
	for (int i = 0; i < FOREIGN_PER_USER; i++)
		close(peers[i]);
}
END_TEST

static bool has_room_soon(struct foreign *foreign, uid_t user)
{
	for (int i = 0; i < 1000 && !foreign_has_room(foreign, user); i++)
		poll(NULL, 0, 10);
	return foreign_has_room(foreign, user);
}

START_TEST(a_user_has_room_again_once_the_fds_are_closed)
{
	struct foreign *foreign = foreign_create(&no_user);

	for (int i = 0; i < FOREIGN_PER_USER; i++) {
		connect_ends();
		send_pipes(sizeof(ticket), 1);
		foreign_close(foreign, server, 4001);
		close(client);
	}
	ck_assert(has_room_soon(foreign, 4001));
	foreign_destroy(foreign);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *receiving = tcase_create("receiving");
	TCase *closing = tcase_create("closing");

	tcase_add_loop_test(receiving, one_fd_is_received_and_others_are_closed, 0,
			    sizeof(packets) / sizeof(packets[0]));
	tcase_add_test(closing, messages_without_fds_are_discarded);
	tcase_add_loop_test(closing, fds_in_any_message_are_noticed, 0,
			    sizeof(hidden) / sizeof(hidden[0]));
	tcase_add_test(closing, a_lingering_socket_does_not_hold_up_the_server);
	tcase_add_test(closing, a_user_has_room_again_once_the_fds_are_closed);
	tcase_set_timeout(closing, 60);
	suite_add_tcase(suite, receiving);
	suite_add_tcase(suite, closing);
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
