// SPDX-License-Identifier: GPL-2.0-or-later
/* Servers and processes that die, stop or wait in the middle of a copy. */
#define _GNU_SOURCE
#include "disk.h"
#include "memory.h"
#include "server.h"
#include "vm.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (1 * MIB)

static char content[SIZE], have[SIZE];
static const struct server_options plain, waiting = {.room = ROOM_WAIT};

static int prepare(struct server *server, const struct server_options *options)
{
	need_patched();
	pattern(content, SIZE, 141);
	*server = server_create(options);
	return make_file("xfs", "fuse-trouble", content, SIZE, O_RDWR);
}

static off_t size_of(struct server *server)
{
	struct stat st;

	CHECK_EQ(stat(server->path, &st), 0);
	return st.st_size;
}

static void server_dies(void)
{
	struct server server;
	int source = prepare(&server, &waiting);
	int file = server_open(&server, O_RDWR), ret;
	pid_t pid = server_copy(&server, source, file, SIZE);

	server_await(&server);
	server_kill(&server);
	ret = outcome(pid, 5000);
	CHECK(ret == ECONNABORTED || ret == ENOTCONN || ret == EIO);
	/* and the source is as free as ever */
	CHECK_EQ(pwrite(source, content, SIZE, 0), SIZE);
	server_destroy(&server);
}

static void copier_dies(void)
{
	struct server server;
	int source = prepare(&server, &waiting);
	int file = server_open(&server, O_RDWR);
	pid_t pid = server_copy(&server, source, file, SIZE);

	server_await(&server);
	kill(pid, SIGKILL);
	usleep(100000);
	server_go(&server);
	CHECK_EQ(outcome(pid, 5000), 128 + SIGKILL);
	/* the file works for the next one */
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	read_at(file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	server_destroy(&server);
}

/* Several pieces of a copy, each of which takes a tenth of a second. */
#define LONG (128 * MIB)

/* The bytes of a killed copy are within the size, and zeros are behind. */
static void killed_in_the_middle(void)
{
	static const char zeros[SIZE];
	char *want = malloc(LONG), *got = malloc(LONG);
	struct server server;
	struct disk disk;
	int source, file;
	off_t size;
	pid_t pid;

	close(prepare(&server, &plain));
	pattern(want, LONG, 142);
	disk = disk_create("ext4", 2 * LONG);
	source = disk_file(&disk, "file", want, LONG, O_RDONLY);
	file = server_open(&server, O_RDWR);
	disk_delay(&disk, 100);
	pid = server_copy(&server, source, file, LONG);
	usleep(350000);
	kill(pid, SIGKILL);
	CHECK_EQ(outcome(pid, 5000), 128 + SIGKILL);
	disk_delay(&disk, 0);
	close(file);
	size = size_of(&server);
	note("%lld bytes of %lu arrived", (long long)size, LONG);
	CHECK(size > 0 && (size_t)size < LONG);
	CHECK_EQ(server.shared->size, size);
	file = server_open(&server, O_RDWR);
	read_at(file, got, size, 0);
	CHECK_EQ(first_difference(got, want, size), -1);
	CHECK_EQ(ftruncate(file, LONG), 0);
	read_at(file, have, SIZE, size);
	CHECK_EQ(first_difference(have, zeros, SIZE), -1);
	close(source);
	server_destroy(&server);
	disk_destroy(&disk);
}

static void server_stops(void)
{
	struct server server;
	int source = prepare(&server, &plain);
	int file = server_open(&server, O_RDWR);
	pid_t pid;

	kill(server.pid, SIGSTOP);
	pid = server_copy(&server, source, file, SIZE);
	CHECK_EQ(outcome(pid, 300), -1);
	/* it has not read the request yet: the copier can go */
	kill(pid, SIGKILL);
	CHECK_EQ(outcome(pid, 3000), 128 + SIGKILL);
	kill(server.pid, SIGCONT);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	server_destroy(&server);
}

/* While the server is waited for, the source's filesystem can be frozen. */
static void freeze_at_prepare(void)
{
	struct server server;
	int source = prepare(&server, &waiting);
	int file = server_open(&server, O_RDWR);
	pid_t pid = server_copy(&server, source, file, SIZE);

	server_await(&server);
	alarm(10);
	CHECK_EQ(ioctl(source, FIFREEZE, 0), 0);
	CHECK_EQ(ioctl(source, FITHAW, 0), 0);
	alarm(0);
	server_go(&server);
	CHECK_EQ(outcome(pid, 5000), 0);
	server_destroy(&server);
}

/*
 * A copy out to a frozen filesystem waits for the thaw, and keeps neither the
 * server nor other readers of the file waiting.
 */
static void frozen_target(void)
{
	struct server server;
	int source = prepare(&server, &plain), target;
	int file = server_open(&server, O_RDWR), other;
	pid_t pid;

	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	target = make_file("xfs", "fuse-frozen", "", 0, O_RDWR);
	CHECK_EQ(ioctl(target, FIFREEZE, 0), 0);
	pid = server_copy(&server, file, target, SIZE);
	CHECK_EQ(outcome(pid, 300), -1);
	alarm(10);
	other = server_open(&server, O_RDONLY);
	read_at(other, have, SIZE, 0);
	CHECK_EQ(size_of(&server), SIZE);
	alarm(0);
	CHECK_EQ(ioctl(target, FITHAW, 0), 0);
	CHECK_EQ(outcome(pid, 5000), 0);
	read_at(target, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	server_destroy(&server);
}

/* The mount is taken away while a copy waits. */
static void unmounted(void)
{
	struct server server;
	int source = prepare(&server, &waiting), ret;
	int file = server_open(&server, O_RDWR);
	pid_t pid = server_copy(&server, source, file, SIZE);

	server_await(&server);
	CHECK_EQ(umount2(server.dir, MNT_FORCE), -1);
	ret = outcome(pid, 5000);
	CHECK(ret == ECONNABORTED || ret == ENOTCONN);
	server_destroy(&server);
}

CASE({"a server that dies while it is waited for ends the copy", server_dies},
     {"a copier that dies while it waits leaves the file usable", copier_dies},
     {"a copy killed in the middle leaves its bytes, then zeros", killed_in_the_middle},
     {"a stopped server does not keep a killed copier", server_stops},
     {"waiting for the server lets the source freeze", freeze_at_prepare},
     {"a copy to a frozen filesystem waits alone", frozen_target},
     {"unmounting by force ends a copy that waits", unmounted}, )
