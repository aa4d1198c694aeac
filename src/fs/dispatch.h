/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_DISPATCH_H
#define FS_DISPATCH_H

#include "fs/fs.h"

/* The operations of a session, whose user data is a struct fs. */
extern const struct fuse_lowlevel_ops dispatch_ops;

/*
 * Handles a request by which the kernel gives something back: a closed file, a forgotten
 * inode. libfuse allocates memory for each request, and if that fails, what was to be given
 * back would be lost. Returns false if @request, a struct fuse_in_header and what follows,
 * is of another kind.
 */
bool dispatch_give_back(struct fs *fs, const void *request);

#endif
