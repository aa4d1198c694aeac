// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "slow.h"
#include "vm.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILE_NODE	2
#define MAX_WRITE	(128 * KIB)

struct slow_shared {
	atomic_int waiting, go;
	const char *content;
	size_t len;
	int dev;
};

static void reply(struct slow_shared *s, uint64_t unique, int error,
		  const void *data, size_t len)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + len, .error = error, .unique = unique,
	};
	struct iovec iov[] = {
		{ &out, sizeof(out) }, { (void *)data, len },
	};

	/* ENOENT: the one who asked is gone */
	if (writev(s->dev, iov, 2) < 0 && errno != ENOENT)
		_exit(1);
}

static void fill_attr(struct slow_shared *s, uint64_t node,
		      struct fuse_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->ino = node;
	attr->nlink = 1;
	attr->mode = node == FILE_NODE ? S_IFREG | 0644 : S_IFDIR | 0755;
	attr->size = node == FILE_NODE ? s->len : 0;
	attr->blksize = 4096;
}

static void answer_init(struct slow_shared *s, uint64_t unique,
			const struct fuse_init_in *in)
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

static void answer_lookup(struct slow_shared *s, uint64_t unique)
{
	struct fuse_entry_out out = { .nodeid = FILE_NODE };

	fill_attr(s, FILE_NODE, &out.attr);
	reply(s, unique, 0, &out, sizeof(out));
}

static void answer_getattr(struct slow_shared *s, uint64_t unique,
			   uint64_t node)
{
	struct fuse_attr_out out = { .attr_valid = 0 };

	fill_attr(s, node, &out.attr);
	reply(s, unique, 0, &out, sizeof(out));
}

static void answer_read(struct slow_shared *s, uint64_t unique,
			const struct fuse_read_in *in)
{
	size_t len = in->offset < s->len ? s->len - in->offset : 0;

	atomic_fetch_add(&s->waiting, 1);
	while (!atomic_load(&s->go))
		usleep(1000);
	reply(s, unique, 0, s->content + in->offset,
	      len < in->size ? len : in->size);
}

static void serve(struct slow_shared *s)
{
	static char buf[MAX_WRITE + 4096] __attribute__((aligned(8)));
	struct fuse_in_header *in = (void *)buf;
	struct fuse_open_out open_out = { .fh = 1 };

	while (read(s->dev, buf, sizeof(buf)) > 0) {
		void *arg = in + 1;

		switch (in->opcode) {
		case FUSE_INIT: answer_init(s, in->unique, arg); break;
		case FUSE_LOOKUP: answer_lookup(s, in->unique); break;
		case FUSE_GETATTR:
			answer_getattr(s, in->unique, in->nodeid);
			break;
		case FUSE_OPEN:
			reply(s, in->unique, 0, &open_out, sizeof(open_out));
			break;
		case FUSE_READ: answer_read(s, in->unique, arg); break;
		case FUSE_FORGET:
		case FUSE_BATCH_FORGET:
		case FUSE_INTERRUPT: break;
		case FUSE_RELEASE:
		case FUSE_FLUSH: reply(s, in->unique, 0, NULL, 0); break;
		default: reply(s, in->unique, -ENOSYS, NULL, 0);
		}
	}
	_exit(0);
}

struct slow_file slow_create(const void *content, size_t len)
{
	struct slow_file slow;
	char dir[] = "/run/slow-XXXXXX", options[96], path[64];

	slow.shared = mmap(NULL, sizeof(*slow.shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(slow.shared != MAP_FAILED);
	slow.shared->content = content;
	slow.shared->len = len;
	slow.shared->dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	CHECK(slow.shared->dev >= 0);
	CHECK(mkdtemp(dir));
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0",
		 slow.shared->dev);
	CHECK_EQ(mount("slow", dir, "fuse", 0, options), 0);
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
