// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Walks that stay beneath where they start. This is the one place that opens
 * anything of the source by name.
 */
#include "util/scope.h"
#include "view/inside.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

static int open_below(int dirfd, const char *path, uint64_t flags)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC | flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* The last slash of what the kernel takes at once; no name is that long. */
static size_t first_stretch(const char *path)
{
	size_t length = PATH_MAX - 1;

	while (length && path[length] != '/')
		length--;
	return length;
}

int walk_below(int dirfd, const char *path, uint64_t flags)
{
	scope(fd) int at = -1;

	while (strlen(path) >= PATH_MAX) {
		const size_t length = first_stretch(path);
		scope(free) char *stretch = length ? strndup(path, length) : NULL;

		if (!stretch)
			return length ? -ENOMEM : -ENAMETOOLONG;
		int next = open_below(at < 0 ? dirfd : at, stretch, O_DIRECTORY);

		if (next < 0)
			return next;
		close_fd(at);
		at = next;
		path += length + 1;
	}
	return open_below(at < 0 ? dirfd : at, path, flags);
}
