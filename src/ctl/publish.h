/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that appears under its name, or replaces what was there, when all of
 * it is there: until then it has no name, or where the filesystem does not
 * allow that, a hidden one in the same directory.
 */
#ifndef CTL_PUBLISH_H
#define CTL_PUBLISH_H

#include <stdbool.h>
#include <sys/stat.h>

struct publish {
	int file;	 /* to be filled; read and write */
	int directory;	 /* where it is to appear … */
	char *name;	 /* … under this name */
	char *temporary; /* its name until then; NULL: none */
	bool replaces;	 /* another file, */
	struct stat old; /* this one */
};

/*
 * A new file for @path, of which symbolic links are followed. It gets @mode
 * less the umask when published, or the mode and owner of what it replaces,
 * which the caller must be allowed to write. 0 or -errno: -EISDIR for a
 * directory, -EINVAL for anything else that is no regular file.
 */
int publish_begin(struct publish *publish, const char *path, mode_t mode);

/*
 * Gives it the name; with @sync, not before it is on disk for good. 0 or -errno:
 * -EINTR, and no name, if by then @is_given_up says so.
 */
int publish_commit(struct publish *publish, bool sync, bool (*is_given_up)(void));

/* Closes it all; what was not committed is gone. */
void publish_end(struct publish *publish);

#endif
