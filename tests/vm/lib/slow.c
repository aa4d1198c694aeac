// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "slow.h"

#include "one_file.h"
#include "vm.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define MAX_WRITE (128 * KIB)

struct slow_shared {
	atomic_int waiting, go;
	const char *content;
	size_t len, at_once;
	int dev;
};

static void reply(struct slow_shared *s, uint64_t unique, int error, const void *data, size_t len)
{
	one_file_reply(s->dev, unique, error, data, len);
}

static struct fuse_attr attr_of(struct slow_shared *s)
{
	return (struct fuse_attr){.mode = 0644, .size = s->len};
}

static void answer_init(struct slow_shared *s, uint64_t unique, const struct fuse_init_in *in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = in->max_readahead,
		.max_write = MAX_WRITE,
		.max_background = 16,
	};

	reply(s, unique, 0, &out, sizeof(out));
}

static void wait_for_go(struct slow_shared *s)
{
	atomic_fetch_add(&s->waiting, 1);
	while (!atomic_load(&s->go))
		usleep(1000);
}

static void answer_read(struct slow_shared *s, uint64_t unique, const struct fuse_read_in *in)
{
	size_t len = in->offset < s->len ? s->len - in->offset : 0;

	if (in->offset + in->size > s->at_once)
		wait_for_go(s);
	reply(s, unique, 0, s->content + in->offset, len < in->size ? len : in->size);
}

static void serve(struct slow_shared *s)
{
	static char buf[MAX_WRITE + 4096] __attribute__((aligned(8)));
	struct fuse_in_header *in = (void *)buf;
	struct fuse_open_out open_out = {.fh = 1};

	while (read(s->dev, buf, sizeof(buf)) > 0) {
		void *arg = in + 1;

		switch (in->opcode) {
		case FUSE_INIT:
			answer_init(s, in->unique, arg);
			break;
		case FUSE_LOOKUP:
			one_file_lookup(s->dev, in->unique, attr_of(s));
			break;
		case FUSE_GETATTR:
			one_file_getattr(s->dev, in->unique, in->nodeid, attr_of(s));
			break;
		case FUSE_OPEN:
			reply(s, in->unique, 0, &open_out, sizeof(open_out));
			break;
		case FUSE_READ:
			answer_read(s, in->unique, arg);
			break;
		case FUSE_FORGET:
		case FUSE_BATCH_FORGET:
		case FUSE_INTERRUPT:
			break;
		case FUSE_RELEASE:
		case FUSE_FLUSH:
			reply(s, in->unique, 0, NULL, 0);
			break;
		default:
			reply(s, in->unique, -ENOSYS, NULL, 0);
		}
	}
	_exit(0);
}

struct slow_file slow_create(const void *content, size_t len)
{
	return slow_create_behind(content, len, 0);
}

struct slow_file slow_create_behind(const void *content, size_t len, size_t at_once)
{
	struct slow_file slow;
	char dir[] = "/run/slow-XXXXXX", path[64];

	slow.shared = shared_memory(sizeof(*slow.shared));
	slow.shared->content = content;
	slow.shared->len = len;
	slow.shared->at_once = at_once;
	slow.shared->dev = one_file_mount(dir, "");
	if (!fork())
		serve(slow.shared);
	snprintf(path, sizeof(path), "%s/file", dir);
	slow.fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(slow.fd >= 0);
	/* gone with its last user */
	CHECK_EQ(umount2(dir, MNT_DETACH), 0);
	rmdir(dir);
	return slow;
}

void slow_await_reader(struct slow_file *slow)
{
	while (!atomic_load(&slow->shared->waiting))
		usleep(1000);
}

void slow_answer(struct slow_file *slow)
{
	atomic_store(&slow->shared->go, 1);
}
