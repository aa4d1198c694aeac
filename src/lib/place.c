// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lib/place.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The id of the mount that the file was opened by; -1: no idea. */
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

/* "\040" and the like, as /proc writes what would part words. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		unsigned int code;

		if (*from == '\\' && sscanf(from, "\\%3o", &code) == 1) {
			*to = (char)code;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* Where the mount @id is, for the caller to free; NULL: not to be seen. */
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

/* Whether it is a directory on the mount of @file. Frees it if not, and returns NULL. */
static char *check(char *path, int file)
{
	struct stat there, own;

	if (path && !stat(path, &there) && S_ISDIR(there.st_mode) && !fstat(file, &own) &&
	    there.st_dev == own.st_dev)
		return path;
	free(path);
	return NULL;
}

char *place_find(int file, const char *path)
{
	const int id = mount_of(file);
	char *directory = check(id < 0 ? NULL : mountpoint_of(id), file);

	/* Where /proc is missing, or something lies over the mountpoint. */
	if (!directory && path)
		directory = check(directory_of(path), file);
	return directory;
}
