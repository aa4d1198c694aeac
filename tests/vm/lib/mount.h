/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mount of dmaheapfs, with the daemon in the foreground. Nothing here returns failure. */
#ifndef MOUNT_H
#define MOUNT_H

#include <sys/types.h>

struct mount {
	char dir[32];
	pid_t daemon;
};

/* Options as in -o. */
struct mount mount_start(const char *options);
/* Unmount. The daemon has to end with status 0. */
void mount_end(struct mount *mount);

#endif
