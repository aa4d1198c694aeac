// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lib/find_mount.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The id of the mount that the file was opened on; -1: unknown. */
static int mount_of(int file)
{
	char path[48], line[256];
	int id = -1;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", file);
	FILE *info = fopen(path, "re");

	while (info && id < 0 && fgets(line, sizeof(line), info))
		sscanf(line, "mnt_id: %d", &id);
	if (info)
		fclose(info);
	return id;
}

/* Replaces "\\040" and the like, by which /proc escapes separators. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		unsigned int code;
		int length = 0;

		if (*from == '\\' && sscanf(from, "\\%3o%n", &code, &length) == 1) {
			*to = (char)code;
			from += length;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* The mountpoint of the mount @id, for the caller to free; NULL: it is not visible. */
static char *mountpoint_of(int id)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *point = NULL;
	size_t size = 0;

	while (mounts && !point && getline(&line, &size, mounts) > 0) {
		int own;

		if (sscanf(line, "%d %*d %*s %*s %ms", &own, &point) == 2 && own == id)
			break;
		free(point);
		point = NULL;
	}
	free(line);
	if (mounts)
		fclose(mounts);
	if (point)
		unescape(point);
	return point;
}

static char *directory_of(const char *path)
{
	char *real = realpath(path, NULL);
	char *slash = real ? strrchr(real, '/') : NULL;

	if (slash)
		slash[slash == real] = '\0';
	return real;
}

/* Returns @path if it is a directory on the mount of @file, else frees it and returns NULL. */
static char *check(char *path, int file)
{
	struct stat there, own;

	if (path && !stat(path, &there) && S_ISDIR(there.st_mode) && !fstat(file, &own) &&
	    there.st_dev == own.st_dev)
		return path;
	free(path);
	return NULL;
}

char *fdpass_find_mount(int file, const char *path)
{
	const int id = mount_of(file);
	char *directory = check(id < 0 ? NULL : mountpoint_of(id), file);

	/* /proc may be missing, or something be mounted over the mountpoint. */
	if (!directory && path)
		directory = check(directory_of(path), file);
	return directory;
}
