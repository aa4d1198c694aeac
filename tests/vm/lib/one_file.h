/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the FUSE servers of the tests: each is of one file in one directory, on the
 * raw device.
 */
#ifndef ONE_FILE_H
#define ONE_FILE_H

#include "fuse-new.h"

#include <stddef.h>
#include <stdint.h>

#define FILE_NODE 2

/*
 * Make a directory of dir, as mkdtemp(3) does, and mount a filesystem there.
 * Returns the device that it is to be served on.
 */
int one_file_mount(char *dir, const char *options);
void one_file_reply(int dev, uint64_t unique, int error, const void *data, size_t len);
/* The file has the attributes in attr, which this completes. */
void one_file_lookup(int dev, uint64_t unique, struct fuse_attr attr);
/* The same, of the file or of the directory. */
void one_file_getattr(int dev, uint64_t unique, uint64_t node, struct fuse_attr attr);

#endif
