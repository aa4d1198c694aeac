// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/paths.h"

#include "ctl/ctl.h"
#include "util/scope.h"

#include <dirent.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Takes over @path; NULL counts as no memory. */
static int take(struct paths *paths, char *path)
{
	char **all = paths->all;

	if (paths->count == paths->room) {
		const size_t room = paths->room ? paths->room * 2 : 16;

		all = realloc(paths->all, room * sizeof(*all));
		if (all) {
			paths->all = all;
			paths->room = room;
		}
	}
	if (!path || !all) {
		free(path);
		return -ENOMEM;
	}
	paths->all[paths->count++] = path;
	return 0;
}

int paths_add(struct paths *paths, const char *path)
{
	return take(paths, strdup(path));
}

void scope_paths(struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->all[i]);
	free(paths->all);
}

int paths_add_mounts(struct paths *paths)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char line[4096 * 3]; /* two paths and the options */
	struct mntent entry;
	int error = 0;

	if (!mounts)
		return -errno;
	while (!error && getmntent_r(mounts, &entry, line, sizeof(line)))
		if (!strcmp(entry.mnt_type, "fuse.dmaheapfs"))
			error = paths_add(paths, entry.mnt_dir);
	endmntent(mounts);
	return error;
}

static int fail(const char *path, int error)
{
	ctl_fail("%s: %s", path, strerror(error));
	return -error;
}

static int is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

/* Files of .source have no attributes of the mount's own. */
static int is_of_buffers(const char *directory)
{
	return getxattr(directory, "user.dmaheap.heap", NULL, 0) >= 0;
}

/* A file that was removed meanwhile is none. */
static int add_entry(struct paths *paths, char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : fail(path, errno);
	if (S_ISREG(st.st_mode))
		return paths_add(paths, path);
	return S_ISDIR(st.st_mode) && is_of_buffers(path) ? paths_add_buffers(paths, path) : 0;
}

int paths_add_buffers(struct paths *paths, const char *path)
{
	struct dirent **entries;
	const int count = scandir(path, &entries, is_entry, alphasort);
	const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";
	int first = 0;

	if (count < 0)
		return fail(path, errno);
	for (int i = 0; i < count; i++) {
		scope(free) char *below = NULL;
		const int error = asprintf(&below, "%s%s%s", path, slash, entries[i]->d_name) < 0
					  ? -ENOMEM
					  : add_entry(paths, below);

		first = first ?: error;
		free(entries[i]);
	}
	free(entries);
	return first;
}
