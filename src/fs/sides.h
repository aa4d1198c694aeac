/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations of a mount with a view of a source beside its tree. */
#ifndef FS_SIDES_H
#define FS_SIDES_H

#include "fs/fs.h"

extern const struct fuse_lowlevel_ops side_ops;

#endif
