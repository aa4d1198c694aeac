// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/open_name.h"

#include "util/scope.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

/* As many links as the kernel follows. */
#define LINKS_MOST 40

/* A symbolic link that is followed step by step. */
struct link {
	char path[PATH_MAX];
	char directory[PATH_MAX]; /* of the path; without links */
	char name[NAME_MAX + 1];
};

static bool split(struct link *link)
{
	char copy[PATH_MAX], other[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", link->path);
	snprintf(other, sizeof(other), "%s", link->path);
	snprintf(link->name, sizeof(link->name), "%s", basename(copy));
	return realpath(dirname(other), link->directory);
}

/* Replaces the path by the link's target. Returns false if it is not a link. */
static bool follow(struct link *link)
{
	char target[PATH_MAX];
	const ssize_t length = readlink(link->path, target, sizeof(target) - 1);

	if (length < 0)
		return false;
	target[length] = '\0';
	const int size = *target == '/' ? snprintf(link->path, PATH_MAX, "%s", target)
					: snprintf(link->path, PATH_MAX, "%.*s/%s", PATH_MAX,
						   link->directory, target);

	return size < PATH_MAX;
}

/* A link in /proc/PID/fd leads to the open file, not to the name that it shows. */
static bool is_magic(const struct link *link)
{
	struct statfs fs;
	const char *last = strrchr(link->directory, '/');

	return !statfs(link->directory, &fs) && fs.f_type == PROC_SUPER_MAGIC && last &&
	       !strcmp(last, "/fd");
}

static bool is_own(const struct link *link)
{
	char own[32];

	snprintf(own, sizeof(own), "/proc/%d/", getpid());
	return !strncmp(link->directory, own, strlen(own));
}

static int open_magic(const struct link *link)
{
	const int fd = is_own(link) ? fcntl(atoi(link->name), F_DUPFD_CLOEXEC, 0)
				    : open(link->path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int open_name(const char *path)
{
	struct link link;

	if (!strcmp(path, "-")) {
		const int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);

		return fd < 0 ? -errno : fd;
	}
	if (snprintf(link.path, sizeof(link.path), "%s", path) >= (int)sizeof(link.path))
		return -ENOENT;
	for (int i = 0; i < LINKS_MOST && split(&link); i++) {
		if (is_magic(&link))
			return open_magic(&link);
		if (!follow(&link))
			break;
	}
	return -ENOENT;
}

off_t open_name_position(int fd)
{
	const int flags = fcntl(fd, F_GETFL);
	const off_t position = lseek(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);

	return position < 0 ? 0 : position;
}
