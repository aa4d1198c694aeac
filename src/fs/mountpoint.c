// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/mountpoint.h"

#include "util/log.h"
#include "util/scope.h"

#include <libgen.h>
#include <limits.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

/* The last mount on a place is the one that is seen. */
static bool is_our_mount(const char *path)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char line[4096];
	struct mntent entry;
	bool ours = false;

	if (!mounts)
		return false;
	while (getmntent_r(mounts, &entry, line, sizeof(line)))
		if (!strcmp(entry.mnt_dir, path))
			ours = !strcmp(entry.mnt_type, "fuse." MOUNT_TYPE);
	endmntent(mounts);
	return ours;
}

/* realpath(3) of a directory that can't be looked into, being a dead mount. */
static char *resolve(const char *path)
{
	scope(free) char *head = strdup(path);
	scope(free) char *tail = strdup(path);
	scope(free) char *parent = NULL;
	char *whole = realpath(path, NULL);

	if (whole || errno != ENOTCONN || !head || !tail)
		return whole;
	parent = realpath(dirname(head), NULL);
	if (!parent || asprintf(&whole, "%s/%s", strcmp(parent, "/") ? parent : "", basename(tail)) < 0)
		return NULL;
	return whole;
}

__attribute__((format(printf, 3, 4))) static int refuse(int error, char why[static 256],
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, 256, format, args);
	va_end(args);
	return error;
}

static int detach_dead(const char *path, char why[static 256])
{
	if (!is_our_mount(path))
		return refuse(ENOTCONN, why, "%s is a dead mount; unmount it first: umount -l", path);
	if (umount2(path, MNT_DETACH))
		return refuse(errno, why, "%s is a dead mount; as root: umount -l", path);
	log_info("took away the dead mount that a killed daemon left on %s", path);
	return 0;
}

/* Attributes of a dead mount may still be in the kernel's cache; this is not. */
static bool is_dead(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) && errno == ENOTCONN;
}

static int check(const char *path, char why[static 256])
{
	struct stat st;
	int error;

	if (is_dead(path) && (error = detach_dead(path, why)))
		return error;
	if (stat(path, &st))
		return refuse(errno, why, "cannot use the mountpoint %s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return refuse(ENOTDIR, why, "the mountpoint %s is not a directory", path);
	if (is_our_mount(path))
		return refuse(EBUSY, why, "%s is mounted already; unmount it first: umount", path);
	return 0;
}

char *mountpoint_prepare(const char *path, char why[static 256])
{
	char *absolute = resolve(path);
	int error;

	if (!absolute) {
		error = errno;
		refuse(error, why, "cannot use the mountpoint %s: %s%s", path, strerror(error),
		       error == ENOENT ? "; make it: mkdir -p" : "");
	} else {
		error = check(absolute, why);
	}
	if (!error)
		return absolute;
	free(absolute);
	errno = error;
	return NULL;
}
