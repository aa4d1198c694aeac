// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "server.h"

#include "memory.h"
#include "one_file.h"
#include "serve.h"
#include "uapi/fuse_memory.h"
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct server server_create(const struct server_options *options)
{
	struct server server = {.dir = "/run/server-XXXXXX"};
	struct server_shared *s = shared_memory(sizeof(*s));
	uint32_t flags = options->file_first ? FUSE_MEMORY_FIRST : 0;

	server.shared = s;
	s->options = *options;
	atomic_store(&s->mode, 0666);
	s->dev = one_file_mount(server.dir, ",allow_other,default_permissions");
	if (!options->no_opt_in)
		CHECK_EQ(ioctl(s->dev, FUSE_DEV_IOC_MEMORY_ENABLE, &flags), 0);
	server.pid = fork();
	if (!server.pid)
		serve(s);
	snprintf(server.path, sizeof(server.path), "%s/file", server.dir);
	return server;
}

int server_open(struct server *server, int flags)
{
	int fd = open(server->path, flags | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

void server_expect_head(struct server *server, const char *content, size_t len, size_t whole)
{
	char *have = malloc(whole), *zeros = calloc(1, whole);
	int file = server_open(server, O_RDWR);
	struct stat st;

	CHECK(have && zeros);
	CHECK_EQ(fstat(file, &st), 0);
	CHECK_EQ(st.st_size, len);
	CHECK_EQ(server->shared->size, len);
	CHECK_EQ(ftruncate(file, whole), 0);
	read_at(file, have, whole, 0);
	CHECK_EQ(first_difference(have, content, len), -1);
	CHECK_EQ(first_difference(have + len, zeros, whole - len), -1);
	close(file);
	free(have);
	free(zeros);
}

unsigned int server_asked(struct server *server, enum fuse_opcode opcode)
{
	return atomic_load(&server->shared->asked[opcode]);
}

void server_reset(struct server *server)
{
	memset(server->shared->asked, 0, sizeof(server->shared->asked));
}

pid_t server_fork(struct server *server)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		close(server->shared->dev);
	return pid;
}

pid_t server_copy(struct server *server, int in, int out, size_t len)
{
	pid_t pid = server_fork(server);
	ssize_t ret;

	if (pid)
		return pid;
	ret = copy_all(in, 0, out, 0, len);
	_exit(ret < 0 ? -ret : ret != (ssize_t)len);
}

/* A file just closed is in use until the server has answered the release. */
void server_evict(struct server *server)
{
	do {
		usleep(1000);
		CHECK_EQ(system("echo 2 >/proc/sys/vm/drop_caches"), 0);
	} while (!server_asked(server, FUSE_FORGET) && !server_asked(server, FUSE_BATCH_FORGET));
}

void server_await(struct server *server)
{
	while (!atomic_load(&server->shared->waiting))
		usleep(1000);
}

void server_go(struct server *server)
{
	atomic_store(&server->shared->go, 1);
}

static int command(struct server *server, int command)
{
	struct server_shared *s = server->shared;

	atomic_store(&s->waiting, 1);
	atomic_store(&s->command, command);
	while (atomic_load(&s->waiting))
		usleep(1000);
	return atomic_load(&s->result);
}

int server_swap(struct server *server, size_t size, unsigned char fill)
{
	atomic_store(&server->shared->room_length, size);
	atomic_store(&server->shared->fill, fill);
	return command(server, COMMAND_BIND);
}

int server_bind(struct server *server, size_t size)
{
	return server_swap(server, size, 0);
}

int server_unbind(struct server *server)
{
	return command(server, COMMAND_UNBIND);
}

int server_move(struct server *server, size_t size)
{
	atomic_store(&server->shared->room_length, size);
	return command(server, COMMAND_MOVE);
}

int server_stat(struct server *server, struct fuse_memory_stat *stat)
{
	memset(stat, 0, sizeof(*stat));
	stat->nodeid = FILE_NODE;
	return ioctl(server->shared->dev, FUSE_DEV_IOC_MEMORY_STAT, stat) ? -errno : 0;
}

void server_kill(struct server *server)
{
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	/* the last one to have it open: the connection ends */
	close(server->shared->dev);
}

void server_destroy(struct server *server)
{
	umount2(server->dir, MNT_DETACH);
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	/* the last open file: no task waits for an answer any more */
	close(server->shared->dev);
	rmdir(server->dir);
}
