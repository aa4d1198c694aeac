// SPDX-License-Identifier: GPL-2.0-or-later
/* Numbers that a FUSE server has had for memory, and that are no longer good. */
#define _GNU_SOURCE
#include "memory.h"
#include "server.h"
#include "uapi/fuse_memory.h"
#include "vm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SIZE (64 * KIB)

static char content[SIZE], have[SIZE];
static const struct server_options plain;

/* A server with a file that is open and full. */
static struct server prepare(int *file)
{
	struct server server;

	need_patched();
	pattern(content, SIZE, 181);
	server = server_create(&plain);
	*file = server_open(&server, O_RDWR);
	CHECK_EQ(copy_all(make_file("ext4", "fuse-stale", content, SIZE, O_RDONLY), 0, *file, 0,
			  SIZE),
		 SIZE);
	return server;
}

static int backing_open(int dev, int fd)
{
	struct fuse_backing_map map = {.fd = fd};
	int id = ioctl(dev, FUSE_DEV_IOC_BACKING_OPEN, &map);

	CHECK(id > 0);
	return id;
}

static int backing_close(int dev, uint32_t id)
{
	return ioctl(dev, FUSE_DEV_IOC_BACKING_CLOSE, &id);
}

static int bind_to(int dev, uint64_t node, int id)
{
	struct fuse_memory_bind bind = {.nodeid = node, .backing_id = id};

	return ioctl(dev, FUSE_DEV_IOC_MEMORY_BIND, &bind);
}

static void expect_content(int file)
{
	read_at(file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
}

static void closed_id(void)
{
	int file, dev, id, other;
	struct server server = prepare(&file);

	dev = server.shared->dev;
	id = backing_open(dev, make_buffer("system", SIZE));
	CHECK_EQ(backing_close(dev, id), 0);
	CHECK_ERRNO(backing_close(dev, id), ENOENT);
	CHECK_ERRNO(bind_to(dev, FILE_NODE, id), ENOENT);
	expect_content(file);
	/* nor is it valid for later opens */
	other = backing_open(dev, make_buffer("system", SIZE));
	CHECK(other == id || bind_to(dev, FILE_NODE, id) == -1);
	expect_content(file);
	server_destroy(&server);
}

/* A binding outlives its id, and its last descriptor. */
static void bound_id(void)
{
	int file, dev, id, buffer;
	struct server server = prepare(&file);

	dev = server.shared->dev;
	buffer = make_buffer("system", SIZE);
	poke(buffer, content, SIZE, 0);
	id = backing_open(dev, buffer);
	CHECK_EQ(bind_to(dev, FILE_NODE, id), 0);
	CHECK_EQ(backing_close(dev, id), 0);
	close(buffer);
	expect_content(file);
	CHECK_EQ(copy_all(open_file("ext4", "fuse-stale", O_RDONLY), 0, file, 0, SIZE), SIZE);
	expect_content(file);
	server_destroy(&server);
}

static void open_with_closed_id(void)
{
	int file;
	struct server server = prepare(&file);

	server.shared->options.open = OPEN_STALE;
	CHECK_ERRNO(open(server.path, O_RDWR | O_CLOEXEC), EIO);
	server.shared->options.open = OPEN_PASSTHROUGH;
	expect_content(server_open(&server, O_RDWR));
	server_destroy(&server);
}

static void forgotten_inode(void)
{
	struct fuse_memory_stat stat;
	int file, dev, id;
	struct server server = prepare(&file);

	dev = server.shared->dev;
	id = backing_open(dev, make_buffer("system", SIZE));
	CHECK_EQ(server_stat(&server, &stat), 0);
	close(file);
	server_evict(&server);
	CHECK_ERRNO(bind_to(dev, FILE_NODE, id), ENOENT);
	CHECK_ERRNO(bind_to(dev, FILE_NODE, 0), ENOENT);
	CHECK_EQ(server_stat(&server, &stat), -ENOENT);
	/* it is another one that comes by the same number */
	expect_content(server_open(&server, O_RDONLY));
	CHECK_EQ(server_stat(&server, &stat), 0);
	CHECK_EQ(stat.copies, 0);
	server_destroy(&server);
}

static void never_bound(void)
{
	struct fuse_memory_stat stat;
	struct server server;

	need_patched();
	server = server_create(&plain);
	close(server_open(&server, O_RDONLY));
	CHECK_EQ(server_stat(&server, &stat), -ENODATA);
	server_destroy(&server);
}

/* Copies by others do not matter. */
static void stat_by_another(void)
{
	struct fuse_memory_stat stat;
	int file;
	struct server server = prepare(&file);
	pid_t pid = fork();

	if (!pid) {
		CHECK_EQ(setuid(2000), 0);
		_exit(server_stat(&server, &stat) != -EPERM);
	}
	CHECK_EQ(outcome(pid, 3000), 0);
	server_destroy(&server);
}

CASE({"an id that is closed binds nothing", closed_id},
     {"memory stays bound when its id is closed", bound_id},
     {"an open with an id that is closed fails", open_with_closed_id},
     {"an inode that was forgotten is not bound", forgotten_inode},
     {"an inode that never had memory has no numbers", never_bound},
     {"another user gets no numbers", stat_by_another}, )
