// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "one_file.h"

#include "vm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

int one_file_mount(char *dir, const char *options)
{
	int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char all[128];

	CHECK(dev >= 0);
	CHECK(mkdtemp(dir));
	chmod(dir, 0755);
	snprintf(all, sizeof(all), "fd=%d,rootmode=40000,user_id=0,group_id=0%s", dev, options);
	CHECK_EQ(mount("one_file", dir, "fuse", 0, all), 0);
	return dev;
}

void one_file_reply(int dev, uint64_t unique, int error, const void *data, size_t len)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + len,
		.error = error,
		.unique = unique,
	};
	struct iovec iov[] = {
		{&out, sizeof(out)},
		{(void *)data, len},
	};

	/* ENOENT: the caller is gone */
	if (writev(dev, iov, 2) < 0 && errno != ENOENT && errno != ENODEV)
		_exit(1);
}

static struct fuse_attr complete(uint64_t node, struct fuse_attr attr)
{
	if (node == FILE_NODE)
		attr.mode |= S_IFREG;
	else
		attr = (struct fuse_attr){.mode = S_IFDIR | 0755};
	attr.ino = node;
	attr.nlink = 1;
	attr.blksize = 4096;
	return attr;
}

void one_file_lookup(int dev, uint64_t unique, struct fuse_attr attr)
{
	const struct fuse_entry_out out = {
		.nodeid = FILE_NODE,
		.attr = complete(FILE_NODE, attr),
	};

	one_file_reply(dev, unique, 0, &out, sizeof(out));
}

void one_file_getattr(int dev, uint64_t unique, uint64_t node, struct fuse_attr attr)
{
	const struct fuse_attr_out out = {.attr = complete(node, attr)};

	one_file_reply(dev, unique, 0, &out, sizeof(out));
}
