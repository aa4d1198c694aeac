/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_DISPATCH_H
#define FS_DISPATCH_H

#include "fs/fs.h"

/* The operations of a session, whose user data is a struct fs. */
extern const struct fuse_lowlevel_ops dispatch_ops;

#endif
