/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_FD_PATH_H
#define UTIL_FD_PATH_H

#include <stdio.h>

struct fd_path {
	char text[32];
};

/*
 * A path to the inode behind @fd, valid while @fd is open. It works for O_PATH
 * descriptors, which most calls that take an fd refuse.
 */
static inline struct fd_path fd_path(int fd)
{
	struct fd_path path;

	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}

#endif
