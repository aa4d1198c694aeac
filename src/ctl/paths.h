/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of paths: of mounts, and of files on a mount. */
#ifndef CTL_PATHS_H
#define CTL_PATHS_H

#include <stddef.h>

/* All zeroes: an empty list. */
struct paths {
	char **all;
	size_t count, room;
};

/* 0 or -ENOMEM. */
int paths_add(struct paths *paths, const char *path);

/*
 * Adds the root directories of all mounts in this mount namespace; and their other
 * directories that are mounted elsewhere, too. 0 or -errno.
 */
int paths_add_mounts(struct paths *paths);

/*
 * Adds the buffers below the directory @path, in the order of their names, without those in
 * .source. What cannot be read is told on stderr, and left out. 0 or -errno of the first.
 */
int paths_add_buffers(struct paths *paths, const char *path);

void scope_paths(struct paths *paths);

#endif
