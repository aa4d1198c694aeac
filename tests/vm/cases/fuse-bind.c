// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Binding memory to a FUSE inode: permissions, kinds of memory, swapping and unbinding.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "server.h"
#include "uapi/fuse_memory.h"
#include "vm.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (256 * KIB)

static char content[SIZE], have[SIZE];
static const struct server_options plain;
static const struct server_options passing = {
	.passthrough = true,
	.open = OPEN_PASSTHROUGH,
};

static int prepare(struct server *server, const struct server_options *options)
{
	need_patched();
	pattern(content, SIZE, 131);
	*server = server_create(options);
	return make_file("ext4", "fuse-bind", content, SIZE, O_RDWR);
}

static int fill(struct server *server, int source)
{
	int file = server_open(server, O_RDWR);

	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	return file;
}

static int enable(int dev)
{
	uint32_t flags = 0;

	return ioctl(dev, FUSE_DEV_IOC_MEMORY_ENABLE, &flags) ? -errno : 0;
}

static int bind_to(int dev, uint64_t node, int id, int from)
{
	struct fuse_memory_bind bind = {
		.nodeid = node,
		.backing_id = id,
		.from_id = from,
	};

	return ioctl(dev, FUSE_DEV_IOC_MEMORY_BIND, &bind) ? -errno : 0;
}

static int backing_open(int dev, int fd)
{
	struct fuse_backing_map map = {.fd = fd};
	int id = ioctl(dev, FUSE_DEV_IOC_BACKING_OPEN, &map);

	return id < 0 ? -errno : id;
}

/* All three refuse, and nothing else has changed. */
static void expect_refusal(int dev, int buffer)
{
	CHECK_EQ(enable(dev), -EPERM);
	CHECK_EQ(bind_to(dev, FILE_NODE, 1, 0), -EPERM);
	CHECK_EQ(bind_to(dev, FILE_NODE, 0, 0), -EPERM);
	CHECK_EQ(backing_open(dev, buffer), -EPERM);
}

static void wait_for_success(void)
{
	int status;

	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
}

static void another_user(void)
{
	struct server server;
	int source = prepare(&server, &plain), file = fill(&server, source);
	int buffer = make_buffer("system", SIZE);

	if (!fork()) {
		CHECK_EQ(setuid(2000), 0);
		expect_refusal(server.shared->dev, buffer);
		_exit(0);
	}
	wait_for_success();
	read_at(file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	server_destroy(&server);
}

/* root of a user namespace of one's own is not root. */
static void user_namespace(void)
{
	struct server server;
	int source = prepare(&server, &plain);
	int buffer = make_buffer("system", SIZE);

	fill(&server, source);
	if (!fork()) {
		CHECK_EQ(unshare(CLONE_NEWUSER), 0);
		expect_refusal(server.shared->dev, buffer);
		_exit(0);
	}
	wait_for_success();
	server_destroy(&server);
}

static void forged(void)
{
	struct server server;
	int source = prepare(&server, &plain);
	int dev, buffer = make_buffer("system", SIZE), id;
	struct fuse_memory_stat stat = {.nodeid = 4711};

	fill(&server, source);
	dev = server.shared->dev;
	CHECK_EQ(bind_to(dev, 4711, 0, 0), -ENOENT);
	CHECK_EQ(bind_to(dev, ~0ull, 0, 0), -ENOENT);
	CHECK_EQ(bind_to(dev, FILE_NODE, 4711, 0), -ENOENT);
	CHECK_EQ(bind_to(dev, FILE_NODE, -1, 0), -EINVAL);
	CHECK_EQ(bind_to(dev, FILE_NODE, 0, ~0u), -EINVAL);
	id = backing_open(dev, buffer);
	CHECK(id > 0);
	CHECK_EQ(bind_to(dev, FUSE_ROOT_ID, id, 0), -EINVAL);
	CHECK_EQ(ioctl(dev, FUSE_DEV_IOC_MEMORY_STAT, &stat), -1);
	CHECK_EQ(errno, ENOENT);
	CHECK_ERRNO(ioctl(dev, FUSE_DEV_IOC_MEMORY_BIND, NULL), EFAULT);
	CHECK_ERRNO(ioctl(dev, FUSE_DEV_IOC_MEMORY_STAT, (void *)8), EFAULT);
	server_destroy(&server);
}

/* A file that is not memory, or not open both ways, is refused. */
static void wrong_backing(void)
{
	struct importer vgem = open_importer("vgem");
	struct server server;
	int source = prepare(&server, &plain), dev, fds[2], file;

	dev = server.shared->dev;
	fill(&server, source);
	CHECK(backing_open(dev, source) < 0);
	CHECK_EQ(pipe(fds), 0);
	CHECK(backing_open(dev, fds[0]) < 0);
	CHECK_EQ(backing_open(dev, -1), -EBADF);
	CHECK_EQ(backing_open(dev, make_dumb_buffer(&vgem, SIZE)), -EOPNOTSUPP);
	file = server_open(&server, O_RDWR);
	CHECK(backing_open(dev, file) < 0);
	server_destroy(&server);
}

/* A connection that did not opt in, and an unconnected device. */
static void not_opted_in(void)
{
	struct server server;
	int source, dev;

	source = prepare(&server, &(struct server_options){.no_opt_in = true});
	close(source);
	close(server_open(&server, O_RDWR));
	CHECK(bind_to(server.shared->dev, FILE_NODE, 0, 0) < 0);
	CHECK(backing_open(server.shared->dev, make_buffer("system", SIZE)) < 0);
	dev = open("/dev/fuse", O_RDWR);
	CHECK(enable(dev) < 0);
	CHECK(bind_to(dev, FILE_NODE, 0, 0) < 0);
	server_destroy(&server);
}

/* The kernel forgets unused inodes; a new open binds them again. */
static void evicted(void)
{
	struct server server;
	int source = prepare(&server, &plain), file;
	struct fuse_memory_stat stat;

	close(fill(&server, source));
	server_evict(&server);
	CHECK_EQ(server_stat(&server, &stat), -ENOENT);
	file = server_open(&server, O_RDWR);
	CHECK_EQ(server_stat(&server, &stat), 0);
	CHECK_EQ(stat.capacity, SIZE);
	server_reset(&server);
	read_at(file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	CHECK_EQ(server_asked(&server, FUSE_READ), 0);
	server_destroy(&server);
}

/* Unbound: reads go to the server again, which has all the data. */
static void unbound(void)
{
	struct server server;
	int source = prepare(&server, &plain), file = fill(&server, source);

	server_reset(&server);
	CHECK_EQ(server_unbind(&server), 0);
	read_at(file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	CHECK(server_asked(&server, FUSE_READ) > 0);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	server_destroy(&server);
}

/* For ever: bytes of the source, or zeros in front of them. */
static void read_while_copied(int file)
{
	size_t i;

	for (;;) {
		read_at(file, have, SIZE, 0);
		for (i = 0; i < SIZE; i++)
			if (have[i] != content[i] && have[i])
				fail(__FILE__, __LINE__, "byte %zu is %02x", i,
				     (unsigned char)have[i]);
	}
}

/* Swapped under readers and writers: each sees one memory or the other. */
static void swapped(void)
{
	struct server server;
	int source = prepare(&server, &plain), file = fill(&server, source);
	int i, busy = 0, ret;
	pid_t reader, writer;

	reader = fork();
	if (!reader)
		read_while_copied(file);
	writer = fork();
	/* with pauses, or there would never be a moment to swap */
	if (!writer)
		for (;; usleep(2000))
			if (copy_once(source, 0, file, 0, SIZE) < 0)
				_exit(1);
	for (i = 0; i < 300; i++) {
		ret = server_bind(&server, SIZE);
		CHECK(!ret || ret == -EBUSY);
		busy += ret == -EBUSY;
	}
	note("%d of 300 were told to wait", busy);
	CHECK(busy < 300);
	CHECK_EQ(waitpid(reader, NULL, WNOHANG), 0);
	CHECK_EQ(waitpid(writer, NULL, WNOHANG), 0);
	kill(reader, SIGKILL);
	kill(writer, SIGKILL);
	/* a killed copier tells the size before it goes: the server has to hear it */
	CHECK_EQ(waitpid(reader, NULL, 0), reader);
	CHECK_EQ(waitpid(writer, NULL, 0), writer);
	server_destroy(&server);
}

static void *map_file(struct server *server, int *file)
{
	void *map;

	*file = server_open(server, O_RDWR);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, *file, 0);
	CHECK(map != MAP_FAILED);
	return map;
}

/* A map keeps its memory, though the file it came from is closed. */
static void mapped(void)
{
	struct server server;
	int source = prepare(&server, &passing), file;
	char *map;

	close(fill(&server, source));
	map = map_file(&server, &file);
	CHECK(!memcmp(map, content, SIZE));
	CHECK_EQ(server_bind(&server, SIZE), -EBUSY);
	close(file);
	usleep(50000);
	CHECK_EQ(server_bind(&server, SIZE), -EBUSY);
	CHECK_EQ(server_unbind(&server), -EBUSY);
	CHECK(!memcmp(map, content, SIZE));
	CHECK_EQ(munmap(map, SIZE), 0);
	usleep(50000);
	CHECK_EQ(server_bind(&server, SIZE), 0);
	server_destroy(&server);
}

/* A mapping shows the bytes of copies, reads and writes. */
static void coherent(void)
{
	struct server server;
	int source = prepare(&server, &passing), file;
	char *map;

	close(fill(&server, source));
	map = map_file(&server, &file);
	server_reset(&server);
	memset(map + 1000, 0x77, 500);
	memset(content + 1000, 0x77, 500);
	read_at(file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	write_at(file, content + 4000, 3000, 100);
	CHECK(!memcmp(map + 100, content + 4000, 3000));
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	read_at(source, have, SIZE, 0);
	CHECK(!memcmp(map, have, SIZE));
	CHECK_EQ(server_asked(&server, FUSE_READ), 0);
	CHECK_EQ(server_asked(&server, FUSE_WRITE), 0);
	server_destroy(&server);
}

/* Opened before there was memory: the server writes, and maps are those of the memory. */
static void opened_before(void)
{
	struct server server;
	int source = prepare(&server, &passing), file = fill(&server, source);
	char *map;

	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, file, 0);
	CHECK(map != MAP_FAILED);
	server_reset(&server);
	write_at(file, content + 5000, 100, 0);
	CHECK(server_asked(&server, FUSE_WRITE) > 0);
	CHECK(!memcmp(map, content + 5000, 100));
	server_destroy(&server);
}

/* A private map shows the file until it is written to, also in a child of this process. */
static void mapped_privately(void)
{
	struct server server;
	int source = prepare(&server, &passing), file;
	char *map, *beyond;
	pid_t child;

	close(fill(&server, source));
	file = server_open(&server, O_RDONLY);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	CHECK(map != MAP_FAILED);
	CHECK(!memcmp(map, content, SIZE));
	child = server_fork(&server);
	if (!child)
		_exit(memcmp(map, content, SIZE) != 0);
	wait_for_success();
	memset(map + 1000, 0x77, 500);
	read_at(file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	CHECK(!memcmp(map + 1500, content + 1500, SIZE - 1500));
	CHECK_EQ(server_unbind(&server), -EBUSY);
	CHECK_EQ(munmap(map, SIZE), 0);
	beyond = mmap(NULL, 2 * SIZE, PROT_READ, MAP_PRIVATE, file, 0);
	CHECK(beyond != MAP_FAILED);
	CHECK(!memcmp(beyond, content, SIZE));
	CHECK_EQ(munmap(beyond, 2 * SIZE), 0);
	CHECK_EQ(server_unbind(&server), 0);
	server_destroy(&server);
}

/* A device may use the buffer meanwhile. */
static void attached(void)
{
	struct importer vgem = open_importer("vgem");
	struct server server;
	int source, file, buffer = make_buffer("system", SIZE), id, dev;

	source = prepare(&server, &(struct server_options){});
	file = server_open(&server, O_RDWR);
	dev = server.shared->dev;
	id = backing_open(dev, buffer);
	CHECK(id > 0);
	CHECK_EQ(bind_to(dev, FILE_NODE, id, 0), 0);
	CHECK_EQ(hold(&vgem, buffer), 0);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	expect(buffer, content, SIZE, 0);
	CHECK_EQ(copy_all(file, 0, source, 0, SIZE), SIZE);
	server_destroy(&server);
}

CASE({"another user can't bind", another_user},
     {"root of a user namespace can't bind", user_namespace},
     {"forged numbers are refused", forged},
     {"a backing file that is not memory is refused", wrong_backing},
     {"a server that did not opt in is refused", not_opted_in},
     {"an inode that was evicted is bound again", evicted},
     {"without its memory a file is the server's", unbound},
     {"memory is swapped under readers and writers", swapped, 120},
     {"mapped memory is not swapped", mapped},
     {"map, read, write and copy show the same bytes", coherent},
     {"a file opened before its memory maps it", opened_before},
     {"a private map is the task's own", mapped_privately},
     {"a buffer that a device uses is copied into and out of", attached}, )
