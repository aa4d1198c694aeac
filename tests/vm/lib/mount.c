// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "mount.h"

#include "vm.h"

#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void await(const char *dir)
{
	char text[8];
	double end = now() + 20;

	while (getxattr(dir, "user.dmaheap.heap", text, sizeof(text)) < 0) {
		CHECK(now() < end);
		usleep(10000);
	}
}

struct mount mount_start(const char *options)
{
	struct mount mount = {.dir = "/run/mount-XXXXXX"};

	CHECK(mkdtemp(mount.dir));
	mount.daemon = fork();
	CHECK(mount.daemon >= 0);
	if (!mount.daemon) {
		execlp("dmaheapfs", "dmaheapfs", "test", mount.dir, "-f", "-o", options, NULL);
		_exit(127);
	}
	await(mount.dir);
	return mount;
}

void mount_end(struct mount *mount)
{
	int status;

	CHECK_EQ(umount(mount->dir), 0);
	CHECK_EQ(waitpid(mount->daemon, &status, 0), mount->daemon);
	CHECK_EQ(status, 0);
	CHECK_EQ(rmdir(mount->dir), 0);
}
