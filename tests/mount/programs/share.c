// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: share MEANS FILE…
 *
 * Asks for the memory of FILE, well or badly, by the means named below. Prints
 * the result of each attempt, one word: "fd", "ok", or the name of the error.
 */
#include "error_name.h"
#include "fdpass/protocol.h"
#include "lib/dmaheapfs.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *file_name;

__attribute__((noreturn)) static void give_up(const char *what)
{
	perror(what);
	exit(2);
}

static void say(int result)
{
	if (result < 0)
		printf("%s\n", error_name(-result));
	else
		puts(result ? "fd" : "ok");
	fflush(stdout);
}

/* --- by hand ----------------------------------------------------------------------- */

static int open_file(int flags)
{
	int file = open(file_name, flags);

	if (file < 0)
		give_up(file_name);
	return file;
}

static struct fdpass_ticket ask_for(int file, enum fdpass_want want)
{
	struct fdpass_ticket ticket = {.want = want};

	if (ioctl(file, FDPASS_IOC_TICKET, &ticket))
		give_up("ioctl");
	return ticket;
}

static struct fdpass_ticket ask(int file)
{
	return ask_for(file, FDPASS_MEMORY);
}

static int try_to_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char *copy = strdup(file_name);
	int visitor = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/" FDPASS_SOCKET, dirname(copy));
	free(copy);
	if (!connect(visitor, (struct sockaddr *)&address, sizeof(address)))
		return visitor;
	const int error = -errno;

	close(visitor);
	return error;
}

/* A user who has many clients at the moment gets EAGAIN. */
static int must_connect(void)
{
	int visitor = try_to_connect();

	for (int i = 0; i < 1000 && visitor == -EAGAIN; i++) {
		usleep(10000);
		visitor = try_to_connect();
	}
	if (visitor < 0) {
		errno = -visitor;
		give_up("connect");
	}
	return visitor;
}

static int answer_on(int visitor)
{
	struct fdpass_answer answer;
	char room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct iovec data = {&answer, sizeof(answer)};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = room,
				 .msg_controllen = sizeof(room)};
	ssize_t length = recvmsg(visitor, &message, 0);
	int fd = 0;

	if (length < 0)
		return -errno;
	if (length != sizeof(answer))
		return -EPROTO;
	if (CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return answer.error ? answer.error : fd;
}

static void send_bytes(int visitor, const void *bytes, size_t size)
{
	if (send(visitor, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
		give_up("send");
}

static int redeem(const struct fdpass_ticket *ticket)
{
	int visitor = try_to_connect();

	if (visitor < 0)
		return visitor;
	send_bytes(visitor, ticket->ticket, sizeof(ticket->ticket));
	int result = answer_on(visitor);

	close(visitor);
	return result;
}

static void send_with_fd(int visitor, const void *bytes, size_t size, int fd)
{
	char room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec data = {(void *)(uintptr_t)bytes, size};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = room,
				 .msg_controllen = sizeof(room)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(visitor, &message, MSG_NOSIGNAL) < 0)
		give_up("sendmsg");
}

static void become(uid_t user)
{
	if (setresgid(user, user, user) || setresuid(user, user, user))
		give_up("setuid");
}

/* Runs @work as another user, and waits for it. */
static void as_user(uid_t user, void (*work)(const struct fdpass_ticket *),
		    const struct fdpass_ticket *ticket)
{
	pid_t child = fork();
	int status;

	if (!child) {
		become(user);
		work(ticket);
		exit(0);
	}
	if (waitpid(child, &status, 0) < 0 || status)
		give_up("another user");
}

/* --- the means --------------------------------------------------------------------- */

static void good(void)
{
	say(dmaheap_export(file_name));
}

/* The CPU's turn, for which it waits a little, to read and to write. */
static void turn(void)
{
	int fd = dmaheap_export(file_name);

	for (int access = DMAHEAP_CPU_READ; access <= DMAHEAP_CPU_WRITE; access++) {
		const int error = dmaheap_begin_cpu_access(fd, access, 300);

		say(error ? error : dmaheap_end_cpu_access(fd, access));
	}
	say(dmaheap_begin_cpu_access(fd, 0, 0));
	say(dmaheap_begin_cpu_access(fd, 4, 0));
	say(dmaheap_end_cpu_access(fd, 0));
}

static void exported_read_only(void)
{
	say(dmaheap_export_fd(open_file(O_RDONLY)));
}

static void exported_write_only(void)
{
	say(dmaheap_export_fd(open_file(O_WRONLY)));
}

static void memory(void)
{
	say(dmaheap_memory_fd(open_file(O_RDONLY)));
	say(dmaheap_memory_fd(open_file(O_RDWR)));
	say(dmaheap_memory_fd(open_file(O_WRONLY)));
}

/* By its path alone. */
static void memory_of(void)
{
	say(dmaheap_memory(file_name, DMAHEAP_READ));
}

/* A client that has the memory can unmount at once: the socket is gone by then. */
static void gone(void)
{
	char *copy = strdup(file_name), path[4096];
	int file = open_file(O_RDONLY), seen = 0;

	snprintf(path, sizeof(path), "%s/" FDPASS_SOCKET, dirname(copy));
	free(copy);
	for (int i = 0; i < 300; i++) {
		close(dmaheap_memory_fd(file));
		seen += !access(path, F_OK);
	}
	say(seen ? -EBUSY : 0);
}

/* Whether reading is all that can be made of it. */
static void narrow(void)
{
	int fd = dmaheap_memory_fd(open_file(O_RDONLY));
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	say(mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -errno : 0);
	say(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -errno : 0);
	say(write(fd, "x", 1) < 0 ? -errno : 0);
	say(open(path, O_RDWR) < 0 ? -errno : 0);
	say(fchmod(fd, 0777) ? -errno : 0);
	say(truncate(path, 0) ? -errno : 0);
}

/* The shared pages are those of the file. */
static void written(void)
{
	int fd = dmaheap_memory(file_name, DMAHEAP_WRITE);
	char *map = mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		give_up("mmap");
	memcpy(map, "HELLO", 5);
	say(0);
}

static void query(void)
{
	struct dmaheap_info info;
	int error = dmaheap_query(file_name, &info);

	if (error)
		say(error);
	else
		printf("%s %ju %ju %x\n", info.heap, (uintmax_t)info.size, (uintmax_t)info.capacity,
		       info.flags);
}

static void wrong(void)
{
	int file = open_file(O_RDONLY);
	struct fdpass_ticket ticket = ask(file), other = ticket;

	for (size_t i = 0; i < sizeof(other.ticket); i++) {
		other.ticket[i] ^= 1;
		say(redeem(&other));
		other.ticket[i] ^= 1;
	}
	say(redeem(&ticket));
}

static void repeated(void)
{
	int file = open_file(O_RDONLY);
	struct fdpass_ticket ticket = ask(file), other = ask(file);

	say(redeem(&ticket));
	say(redeem(&ticket));
	say(redeem(&other));
	/* The last one has been redeemed: the socket is gone. */
	say(redeem(&other));
}

static void late(void)
{
	int file = open_file(O_RDONLY);
	struct fdpass_ticket ticket = ask(file);

	sleep(FDPASS_TICKET_SECONDS - 2);
	struct fdpass_ticket other = ask(file);

	sleep(3);
	say(redeem(&ticket));
	say(redeem(&other));
}

static void closed(void)
{
	int file = open_file(O_RDONLY), kept = open_file(O_RDONLY);
	struct fdpass_ticket ticket = ask(file), other = ask(kept);

	close(file);
	/* RELEASE comes when close() is back. */
	usleep(200000);
	say(redeem(&ticket));
	say(redeem(&other));
}

static void redeem_and_say(const struct fdpass_ticket *ticket)
{
	say(redeem(ticket));
}

static void stolen(void)
{
	int file = open_file(O_RDONLY);
	struct fdpass_ticket ticket = ask(file);

	as_user(1234, redeem_and_say, &ticket);
	say(redeem(&ticket));
}

static void say_badly(const void *bytes, size_t size)
{
	int visitor = must_connect();

	send_bytes(visitor, bytes, size);
	say(answer_on(visitor));
	close(visitor);
}

static void half(void)
{
	int file = open_file(O_RDONLY);
	struct fdpass_ticket ticket = ask(file);
	char longer[sizeof(ticket.ticket) + 1], much[65536] = "";

	memcpy(longer, ticket.ticket, sizeof(ticket.ticket));
	longer[sizeof(ticket.ticket)] = 0;
	say_badly(ticket.ticket, sizeof(ticket.ticket) - 1);
	say_badly(ticket.ticket, 1);
	say_badly(longer, sizeof(longer));
	say_badly(much, sizeof(much));
	int visitor = must_connect();

	shutdown(visitor, SHUT_WR);
	say(answer_on(visitor));
	say(redeem(&ticket));
}

/* In the middle of it, until it is killed. */
static void linger(void)
{
	int file = open_file(O_RDONLY);

	ask(file);
	must_connect();
	ask(file);
	say(0);
	pause();
}

/* A silent crowd delays no client. */
static void silent(void)
{
	int file = open_file(O_RDONLY);
	struct fdpass_ticket first = ask(file);

	for (int i = 0; i < 200; i++)
		must_connect();
	struct fdpass_ticket ticket = ask(file);

	say(redeem(&ticket));
	say(redeem(&first));
}

static void ask_often(const struct fdpass_ticket *ticket)
{
	int file = open_file(O_RDONLY);

	(void)ticket;
	for (int i = 0; i < 1000; i++)
		ask(file);
}

/* One user's flood affects only that user. */
static void flood(void)
{
	int file = open_file(O_RDONLY);
	struct fdpass_ticket ticket = ask(file);

	as_user(1234, ask_often, NULL);
	say(redeem(&ticket));
	ticket = ask(file);
	ask_often(NULL);
	say(redeem(&ticket));
	ticket = ask(file);
	say(redeem(&ticket));
}

/* Many clients that leave at every stage. */
static void dead(void)
{
	for (int i = 0; i < 300; i++) {
		int file = open_file(O_RDONLY);
		struct fdpass_ticket ticket = ask(file);
		int visitor = must_connect();

		if (i % 3)
			send_bytes(visitor, ticket.ticket, sizeof(ticket.ticket));
		if (i % 3 == 2)
			shutdown(visitor, SHUT_RD);
		close(visitor);
		close(file);
	}
	say(0);
}

/* Unexpected fds. */
static void burden(void)
{
	int file = open_file(O_RDONLY), null = open("/dev/null", O_RDWR);
	struct fdpass_ticket ticket = ask(file);
	char other[FDPASS_TICKET_BYTES] = "";

	for (int i = 0; i < 300; i++) {
		int visitor = must_connect();

		send_with_fd(visitor, other, i % 2 ? sizeof(other) : 1, null);
		answer_on(visitor);
		close(visitor);
	}
	int visitor = must_connect();

	send_with_fd(visitor, ticket.ticket, sizeof(ticket.ticket), null);
	say(answer_on(visitor));
}

/* Gives fd 3, of any kind, to a new file. */
static void bring(void)
{
	int file = open(file_name, O_RDWR | O_CREAT | O_EXCL, 0666);
	struct fdpass_ticket ticket = ask_for(file, FDPASS_IMPORT);
	int visitor = must_connect();

	send_with_fd(visitor, ticket.ticket, sizeof(ticket.ticket), 3);
	unlink(file_name);
	say(answer_on(visitor));
}

/* Import tickets, sent without an fd, and for a file that has memory. */
static void bring_badly(void)
{
	int file = open_file(O_RDWR), reader = open_file(O_RDONLY);
	struct fdpass_ticket ticket = {.want = FDPASS_IMPORT};

	say(ioctl(reader, FDPASS_IOC_TICKET, &ticket) ? -errno : 0);
	close(reader);
	ticket = ask_for(file, FDPASS_IMPORT);
	say(redeem(&ticket));
	say(redeem(&ticket));
	/* The ticket's memory is released even if the fd never comes. */
	for (int i = 0; i < 100; i++)
		ask_for(file, FDPASS_IMPORT);
	ticket = ask_for(file, FDPASS_IMPORT);
	int visitor = must_connect();

	send_with_fd(visitor, ticket.ticket, sizeof(ticket.ticket), 3);
	say(answer_on(visitor));
}

/* This process has no room for the fd. */
static void full(void)
{
	int file = open_file(O_RDONLY);
	struct rlimit limit = {.rlim_cur = (rlim_t)file + 2, .rlim_max = (rlim_t)file + 2};

	if (setrlimit(RLIMIT_NOFILE, &limit))
		give_up("setrlimit");
	/* The one that is left goes to the socket. */
	say(dmaheap_memory_fd(file));
}

/* Only the daemon makes or changes the socket. */
static void forged(void)
{
	int file = open_file(O_RDONLY);
	char *copy = strdup(file_name);
	const char *directory = dirname(copy);
	char path[4096], another[4096];

	snprintf(path, sizeof(path), "%s/" FDPASS_SOCKET, directory);
	snprintf(another, sizeof(another), "%s/another", directory);
	say(mknod(path, S_IFSOCK | 0666, 0) ? -errno : 0);
	say(open(path, O_CREAT | O_RDWR, 0600) < 0 ? -errno : 0);
	say(mkdir(path, 0700) ? -errno : 0);
	say(rename(file_name, path) ? -errno : 0);
	ask(file);
	say(mknod(path, S_IFSOCK | 0666, 0) ? -errno : 0);
	say(unlink(path) ? -errno : 0);
	say(chmod(path, 0) ? -errno : 0);
	say(link(path, another) ? -errno : 0);
	say(open(path, O_RDWR) < 0 ? -errno : 0);
	free(copy);
}

static void ioctls(void)
{
	int file = open_file(O_RDWR);
	struct fdpass_ticket ticket = {.want = 99};
	static char much[4096];

	say(ioctl(file, FDPASS_IOC_TICKET, &ticket) ? -errno : 0);
	say(ioctl(file, _IOWR(0xdb, 1, char[4096]), much) ? -errno : 0);
	say(ioctl(file, _IO(0xdb, 1)) ? -errno : 0);
	say(ioctl(file, _IOR(0xdb, 99, int), &ticket) ? -errno : 0);
	say(ioctl(file, FDPASS_IOC_TICKET, NULL) ? -errno : 0);
}

int main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		void (*run)(void);
	} means[] = {
		{"good", good},
		{"turn", turn},
		{"read-only", exported_read_only},
		{"write-only", exported_write_only},
		{"memory", memory},
		{"memory-of", memory_of},
		{"gone", gone},
		{"narrow", narrow},
		{"written", written},
		{"query", query},
		{"wrong", wrong},
		{"repeated", repeated},
		{"late", late},
		{"closed", closed},
		{"stolen", stolen},
		{"half", half},
		{"linger", linger},
		{"silent", silent},
		{"flood", flood},
		{"dead", dead},
		{"burden", burden},
		{"bring", bring},
		{"bring-badly", bring_badly},
		{"full", full},
		{"forged", forged},
		{"ioctls", ioctls},
	};

	file_name = argc == 3 ? argv[2] : "";
	for (size_t i = 0; argc == 3 && i < COUNT(means); i++)
		if (!strcmp(means[i].name, argv[1])) {
			means[i].run();
			return 0;
		}
	fprintf(stderr, "share: wrong usage\n");
	return 2;
}
