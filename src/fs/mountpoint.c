// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/mountpoint.h"

#include "util/explain.h"
#include "util/log.h"
#include "util/scope.h"

#include <libgen.h>
#include <limits.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

/* The last entry for a path is the mount on top. */
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

/* realpath(3), even if the last component is a stale mount. */
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

static int detach_stale(const char *path, char why[static 256])
{
	if (!is_our_mount(path))
		return explain(why, ENOTCONN, "%s is a stale mount; unmount it first: umount -l", path);
	if (umount2(path, MNT_DETACH))
		return explain(why, errno, "%s is a stale mount; as root: umount -l", path);
	log_info("replaced the stale mount on %s", path);
	return 0;
}

/* stat(2) may succeed from the kernel's cache. statfs(2) always asks the daemon. */
static bool is_stale(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) && errno == ENOTCONN;
}

static int check(const char *path, char why[static 256])
{
	struct stat st;
	int error;

	if (is_stale(path) && (error = detach_stale(path, why)))
		return error;
	if (stat(path, &st))
		return explain(why, errno, "cannot use the mountpoint %s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return explain(why, ENOTDIR, "the mountpoint %s is not a directory", path);
	if (is_our_mount(path))
		return explain(why, EBUSY, "%s is mounted already; unmount it first: umount", path);
	return 0;
}

char *mountpoint_prepare(const char *path, char why[static 256])
{
	char *absolute = resolve(path);
	int error;

	if (!absolute) {
		error = errno;
		explain(why, error, "cannot use the mountpoint %s: %s%s", path, strerror(error),
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
