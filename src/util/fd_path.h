/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_FD_PATH_H
#define UTIL_FD_PATH_H

#include "util/scope.h"

#include <fcntl.h>
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

/*
 * An open with O_NONBLOCK does not wait if another process has a lease on the file. Resets
 * the flag and returns @fd; -errno if that is negative.
 */
static inline int opened_nonblock(int fd)
{
	if (fd < 0)
		return -errno;
	const int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	return fd;
}

/* Opens the file of @fd again, with @flags, and does not wait. A new fd, or -errno. */
static inline int reopen_fd(int fd, int flags)
{
	return opened_nonblock(open(fd_path(fd).text, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

#endif
