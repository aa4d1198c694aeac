/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds the mount of an open file in this process's mount namespace. */
#ifndef LIB_FIND_MOUNT_H
#define LIB_FIND_MOUNT_H

/*
 * Returns a directory on the mount of @file, whose path the caller frees; NULL if none is
 * visible here. @path is the path that the file was opened by, or NULL.
 */
char *fdpass_find_mount(int file, const char *path);

#endif
