/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations of a mount: its tree's, and those of what is beside it. */
#ifndef FS_SIDES_H
#define FS_SIDES_H

#include "fs/fs.h"

extern const struct fuse_lowlevel_ops side_ops;

#endif
