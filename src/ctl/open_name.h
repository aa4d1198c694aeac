/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of open files: "-", /dev/stdout, /dev/fd/N, /proc/PID/fd/N, and links to those. */
#ifndef CTL_OPEN_NAME_H
#define CTL_OPEN_NAME_H

#include <sys/types.h>

/*
 * Returns an fd of the open file that @path names. It shares the position with the original
 * if that is this process's. -ENOENT if @path does not name an open file.
 */
int open_name(const char *path);

/* The position at which the next write(2) to @fd begins; 0 if it has none. */
off_t open_name_position(int fd);

#endif
