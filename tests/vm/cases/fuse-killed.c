// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process that serves FUSE is killed while the kernel copies a request to it, or its reply.
 * Another process goes on, and the caller does not notice.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "one_file.h"
#include "slow.h"
#include "vm.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_BYTES (256 * KIB)

static char content[REQUEST_BYTES], request[REQUEST_BYTES];

/* Memory whose pages come only when @slow answers. */
static char *map_slow(struct slow_file *slow)
{
	pattern(content, sizeof(content), 17);
	*slow = slow_create(content, sizeof(content));
	char *map = mmap(NULL, sizeof(content), PROT_READ | PROT_WRITE, MAP_PRIVATE, slow->fd, 0);

	CHECK(map != MAP_FAILED);
	return map;
}

/* Ends the test if no request comes. */
static const struct fuse_in_header *next_request(int dev)
{
	struct pollfd polled = {.fd = dev, .events = POLLIN};

	CHECK_EQ(poll(&polled, 1, 5000), 1);
	CHECK(read(dev, request, sizeof(request)) > 0);
	return (const struct fuse_in_header *)request;
}

static int mount_and_init(char *dir)
{
	const struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = 128 * KIB,
	};
	const int dev = one_file_mount(dir, "");
	const struct fuse_in_header *init = next_request(dev);

	CHECK_EQ(init->opcode, FUSE_INIT);
	one_file_reply(dev, init->unique, 0, &out, sizeof(out));
	return dev;
}

/* A caller, which ends with errno. */
static pid_t call_stat(const char *dir)
{
	const pid_t caller = fork();
	char path[64];
	struct stat st;

	if (caller)
		return caller;
	snprintf(path, sizeof(path), "%s/file", dir);
	_exit(stat(path, &st) ? errno : 0);
}

static int status_of(pid_t child)
{
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Kills @child while the kernel waits for a page of its memory. */
static void kill_in_copy(pid_t child, struct slow_file *slow)
{
	int status;

	slow_await_reader(slow);
	CHECK_EQ(kill(child, SIGKILL), 0);
	slow_answer(slow);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status));
}

/* With attributes that need not be asked for. */
static void answer_lookup(int dev, uint64_t unique, mode_t mode)
{
	const struct fuse_entry_out entry = {
		.nodeid = FILE_NODE,
		.entry_valid = 10,
		.attr_valid = 10,
		.attr = {.ino = FILE_NODE, .mode = mode, .nlink = 1},
	};

	one_file_reply(dev, unique, 0, &entry, sizeof(entry));
}

static void request_is_read_again(void)
{
	char dir[] = "/tmp/fuse-killed.XXXXXX";
	struct slow_file slow;

	need_patched();
	char *buffer = map_slow(&slow);
	const int dev = mount_and_init(dir);
	const pid_t caller = call_stat(dir), reader = fork();

	if (!reader)
		_exit(read(dev, buffer, REQUEST_BYTES) < 0);
	kill_in_copy(reader, &slow);
	const struct fuse_in_header *lookup = next_request(dev);

	CHECK_EQ(lookup->opcode, FUSE_LOOKUP);
	CHECK(!strcmp((const char *)(lookup + 1), "file"));
	answer_lookup(dev, lookup->unique, S_IFREG | 0644);
	CHECK_EQ(status_of(caller), 0);
}

static void reply_is_written_again(void)
{
	char dir[] = "/tmp/fuse-killed.XXXXXX";
	struct slow_file slow;

	need_patched();
	char *buffer = map_slow(&slow);
	const int dev = mount_and_init(dir);
	const pid_t caller = call_stat(dir);
	const struct fuse_in_header lookup = *next_request(dev);
	const pid_t writer = fork();

	if (!writer)
		one_file_reply(dev, lookup.unique, 0, buffer, sizeof(struct fuse_entry_out));
	kill_in_copy(writer, &slow);
	answer_lookup(dev, lookup.unique, S_IFREG | 0644);
	CHECK_EQ(status_of(caller), 0);
}

/* It has a size of its own, which the lost reply had changed. */
static void shorter_reply_is_written_again(void)
{
	char dir[] = "/tmp/fuse-killed.XXXXXX", path[64], have[64];
	struct slow_file slow;
	ssize_t length;

	need_patched();
	char *buffer = map_slow(&slow);
	const int dev = mount_and_init(dir);
	const pid_t caller = fork();

	snprintf(path, sizeof(path), "%s/file", dir);
	if (!caller) {
		length = readlink(path, have, sizeof(have));
		_exit(length == 6 && !memcmp(have, "target", 6) ? 0 : 1);
	}
	const struct fuse_in_header *lookup = next_request(dev);

	answer_lookup(dev, lookup->unique, S_IFLNK | 0777);
	const struct fuse_in_header link = *next_request(dev);

	CHECK_EQ(link.opcode, FUSE_READLINK);
	const pid_t writer = fork();

	if (!writer)
		one_file_reply(dev, link.unique, 0, buffer, 3);
	kill_in_copy(writer, &slow);
	one_file_reply(dev, link.unique, 0, "target", 6);
	CHECK_EQ(status_of(caller), 0);
}

CASE({"a request is read again after its reader was killed", request_is_read_again},
     {"a reply is written again after its writer was killed", reply_is_written_again},
     {"a longer reply is written after a shorter one was lost", shorter_reply_is_written_again}, )
