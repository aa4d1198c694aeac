// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: chaos MOUNT SECONDS THREADS SEED
 *
 * Random system calls with random arguments on MOUNT, for a user without rights: files of
 * the tree, those of .source, tickets, and the socket, to which messages with any number of
 * fds of any kind are sent. No result is judged: the daemon must survive, and the sanitizers
 * be silent. Prints the number of calls.
 */
#include "fdpass/protocol.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define FDS	 64
#define MOST_FDS 253 /* in a message */
#define LENGTH	 600

static const char *mount_point;
static time_t end;
static _Atomic unsigned long long calls;
static _Atomic int fds[FDS]; /* 0: none */

static _Thread_local unsigned short chance[3];
static _Thread_local char data[1 << 17];

/* --- random things ------------------------------------------------------------------ */

static unsigned below(unsigned limit)
{
	return (unsigned)nrand48(chance) % limit;
}

static const char *text_of(const char *const texts[], unsigned count)
{
	return texts[below(count)];
}

#define TEXT(texts) text_of(texts, sizeof(texts) / sizeof((texts)[0]))

static off_t offset(void)
{
	static const off_t odd[] = {0,
				    1,
				    4095,
				    4096,
				    1 << 20,
				    (1 << 20) + 1,
				    -1,
				    -4096,
				    0x7fffffff,
				    0x80000000,
				    0xfffff000,
				    0x100000000,
				    0x7ffffffffffff000,
				    0x7fffffffffffffff};

	return below(3) ? (off_t)below(200000) : odd[below(sizeof(odd) / sizeof(odd[0]))];
}

static const char *path(char text[static LENGTH])
{
	static const char *const directories[] = {"own",     "own/d0",	    "own/d1", "own/d0/d2",
						  ".source", ".source/sub", ".",      "own/d1/.."};
	static const char *const names[] = {"a", "b", "c", "d0", "big", "small", ".dmaheapfs", ""};

	if (!below(200)) {
		memset(data, 0xc3, NAME_MAX);
		snprintf(text, LENGTH, "%s/own/%.255s", mount_point, data);
	} else {
		snprintf(text, LENGTH, "%s/%s/%s", mount_point, TEXT(directories), TEXT(names));
	}
	return text;
}

static int fd(void)
{
	return fds[below(FDS)];
}

static void keep(int new)
{
	if (new < 0)
		return;
	const int old = atomic_exchange(&fds[below(FDS)], new);

	if (old > 0)
		close(old);
}

/* --- calls -------------------------------------------------------------------------- */

static void open_something(void)
{
	static const int flags[] = {O_RDONLY,
				    O_RDWR,
				    O_WRONLY,
				    O_RDWR | O_CREAT,
				    O_RDWR | O_CREAT | O_TRUNC,
				    O_RDWR | O_APPEND,
				    O_PATH,
				    O_RDONLY | O_DIRECT,
				    O_TMPFILE | O_RDWR,
				    O_RDONLY | O_DIRECTORY};
	char text[LENGTH];

	keep(open(path(text), flags[below(sizeof(flags) / sizeof(flags[0]))] | O_NONBLOCK,
		  below(010000)));
}

static void list(void)
{
	char text[LENGTH];
	DIR *dir = opendir(path(text));
	const struct dirent *entry;

	for (unsigned i = below(40); dir && i && (entry = readdir(dir)); i--)
		if (!below(9))
			seekdir(dir, below(3) ? entry->d_off : (long)offset());
	if (dir)
		closedir(dir);
}

static void use_names(void)
{
	char a[LENGTH], b[LENGTH];

	path(a);
	path(b);
	switch (below(9)) {
	case 0:
		unlink(a);
		break;
	case 1:
		renameat2(AT_FDCWD, a, AT_FDCWD, b, below(4));
		break;
	case 2:
		link(a, b);
		break;
	case 3:
		symlink(below(2) ? b : "../../etc/shadow", a);
		break;
	case 4:
		mkdir(a, below(010000));
		break;
	case 5:
		rmdir(a);
		break;
	case 6:
		mknod(a, (below(2) ? S_IFREG : S_IFIFO) | below(010000), 0);
		break;
	case 7:
		linkat(fd(), "", AT_FDCWD, a, AT_EMPTY_PATH);
		break;
	default:
		list();
	}
}

static void use_attributes(void)
{
	static const char *const names[] = {"user.a",
					    "user.dmaheap.copy",
					    "user.dmaheap.status",
					    "user.dmaheap.map",
					    "user.dmaheap.capacity",
					    "user.dmaheap.x",
					    "user.",
					    "system.posix_acl_access",
					    "system.posix_acl_default",
					    "security.capability",
					    "trusted.dmaheap.copied"};
	char text[LENGTH];
	struct statvfs usage;
	struct stat st;

	path(text);
	switch (below(8)) {
	case 0:
		setxattr(text, TEXT(names), below(2) ? "engine=x" : data, below(300), below(3));
		break;
	case 1:
		getxattr(text, TEXT(names), data, below(2) * below(5000));
		break;
	case 2:
		listxattr(text, data, below(2) * below(300));
		break;
	case 3:
		removexattr(text, TEXT(names));
		break;
	case 4:
		chmod(text, below(010000));
		break;
	case 5:
		utimensat(AT_FDCWD, text, NULL, 0);
		break;
	case 6:
		statvfs(text, &usage);
		break;
	default:
		lstat(text, &st);
	}
}

static void use_map(void)
{
	const size_t length = 1 + below(1 << 20);
	const int flags = below(2) ? MAP_SHARED : MAP_PRIVATE;
	char *map =
		mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd(), (off_t)below(64) * 4096);

	if (map == MAP_FAILED)
		return;
	/* By the kernel, so that a short file is EFAULT. */
	(void)!pwrite(fd(), map, length, offset());
	(void)!pread(fd(), map, length, offset());
	munmap(map, length);
}

static void use_data(void)
{
	off_t in = offset(), out = offset();

	switch (below(8)) {
	case 0:
		(void)!pwrite(fd(), data, below(sizeof(data)), in);
		break;
	case 1:
		(void)!pread(fd(), data, below(sizeof(data)), in);
		break;
	case 2:
		(void)!copy_file_range(fd(), &in, fd(), &out, (size_t)offset(), below(20) ? 0 : 1);
		break;
	case 3:
		(void)!ftruncate(fd(), in);
		break;
	case 4:
		fallocate(fd(), (int)below(128), in, offset() & ((64 << 20) - 1));
		break;
	case 5:
		lseek(fd(), in, (int)below(6));
		break;
	case 6:
		(void)!fsync(fd());
		break;
	default:
		use_map();
	}
}

/* --- tickets and the socket ---------------------------------------------------------- */

static void get_ticket(struct fdpass_ticket *ticket)
{
	*ticket = (struct fdpass_ticket){.want = below(5), .reserved = below(2)};
	ioctl(fd(), below(20) ? FDPASS_IOC_TICKET : FDPASS_IOC_QUERY, ticket);
	if (!below(5))
		ticket->ticket[below(FDPASS_TICKET_BYTES)] ^= 1;
}

static int connect_to_mount(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int peer = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/" FDPASS_SOCKET, mount_point);
	if (peer >= 0 && !connect(peer, (struct sockaddr *)&address, sizeof(address)))
		return peer;
	close(peer);
	return -1;
}

static void send_message(int peer, const struct fdpass_ticket *ticket)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MOST_FDS * sizeof(int))] = {0};
	struct iovec bytes = {(void *)(uintptr_t)ticket->ticket,
			      below(4) ? FDPASS_TICKET_BYTES : below(FDPASS_TICKET_BYTES + 1)};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
	const unsigned count = below(3) ? below(3) : below(MOST_FDS + 1);
	int sent[MOST_FDS];

	for (unsigned i = 0; i < count; i++) {
		const int some = fd();

		sent[i] = some > 0 ? some : 0;
	}
	if (count) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), sent, count * sizeof(int));
	}
	(void)sendmsg(peer, &message, MSG_NOSIGNAL);
}

static void receive(int peer)
{
	_Alignas(struct cmsghdr) char control[CMSG_LEN(sizeof(int))];
	struct fdpass_answer answer;
	struct iovec bytes = {&answer, sizeof(answer)};
	struct msghdr message = {.msg_iov = &bytes,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int got;

	usleep(2000);
	if (recvmsg(peer, &message, 0) <= 0 || !CMSG_FIRSTHDR(&message))
		return;
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(got));
	keep(got);
}

static void use_socket(void)
{
	struct fdpass_ticket ticket;
	int peer;

	get_ticket(&ticket);
	peer = connect_to_mount();
	if (peer < 0)
		return;
	for (unsigned i = below(4); i; i--)
		send_message(peer, &ticket);
	if (below(2))
		receive(peer);
	close(peer);
}

/* Fds of other kinds, to be sent. */
static void open_other(void)
{
	int ends[2];

	switch (below(4)) {
	case 0:
		keep(eventfd(0, EFD_NONBLOCK));
		break;
	case 1:
		keep(memfd_create("chaos", MFD_ALLOW_SEALING));
		break;
	case 2:
		keep(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
		break;
	default:
		if (!pipe2(ends, O_NONBLOCK)) {
			keep(ends[0]);
			keep(ends[1]);
		}
	}
}

static void *run(void *number)
{
	static void (*const uses[])(void) = {open_something, use_names, use_attributes, use_data,
					     use_data,	     use_data,	use_socket,	open_other};

	chance[0] = (unsigned short)(uintptr_t)number;
	while (time(NULL) < end) {
		uses[below(sizeof(uses) / sizeof(uses[0]))]();
		calls++;
	}
	return NULL;
}

int main(int argc, char *argv[])
{
	if (argc != 5) {
		fprintf(stderr, "usage: chaos MOUNT SECONDS THREADS SEED\n");
		return 2;
	}
	mount_point = argv[1];
	end = time(NULL) + atoi(argv[2]);
	const unsigned count = (unsigned)atoi(argv[3]);
	pthread_t threads[64];

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	for (unsigned i = 0; i < count && i < 64; i++)
		pthread_create(&threads[i], NULL, run,
			       (void *)(uintptr_t)((unsigned)atoi(argv[4]) * 64 + i));
	for (unsigned i = 0; i < count && i < 64; i++)
		pthread_join(threads[i], NULL);
	printf("%llu calls\n", calls);
	return 0;
}
