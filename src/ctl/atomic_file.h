/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that appears under its name, or replaces the old file, only when it is complete.
 * Until then it has no name, or, on filesystems without O_TMPFILE, a hidden one in the same
 * directory.
 */
#ifndef CTL_ATOMIC_FILE_H
#define CTL_ATOMIC_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

struct atomic_file {
	int file;	 /* to be filled; open for reading and writing */
	int directory;	 /* of the name */
	char *name;	 /* its final name */
	char *temporary; /* its name until then; NULL: none */
	bool replaces;	 /* there is an old file */
	struct stat old; /* its attributes; else only the mode of the new one */
	int old_file;	 /* the old file, to read its extended attributes; -1: not possible */
};

/*
 * Creates a file for @path, and follows symbolic links in it. A new file gets @mode, less
 * the umask or with the directory's default access list, as from cp(1). One that replaces a
 * file, which the caller must be allowed to write, gets its owner, mode, access list,
 * attributes and label when it is committed. 0 or -errno: -EISDIR for a directory, -EINVAL
 * for anything else that is not a regular file.
 */
int atomic_file_begin(struct atomic_file *file, const char *path, mode_t mode);

/*
 * Gives the file its name; with @sync, after it has reached the disk. 0 or -errno. If
 * progress_was_interrupted() just before that, -EINTR, and the name is unchanged.
 */
int atomic_file_commit(struct atomic_file *file, bool sync);

/* Closes the file. It is gone unless it was committed. */
void atomic_file_end(struct atomic_file *file);

#endif
