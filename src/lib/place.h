/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where in this process's namespace an open file's mount is. */
#ifndef LIB_PLACE_H
#define LIB_PLACE_H

/*
 * A directory of the mount that @file is on, whose path the caller frees; NULL
 * where none can be seen from here. @path is where it was opened, or NULL.
 */
char *place_find(int file, const char *path);

#endif
