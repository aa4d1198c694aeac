/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new size= for a mount that is in use. */
#ifndef FS_RESIZE_H
#define FS_RESIZE_H

#include "fs/inode.h"

/*
 * Answers setxattr(2) of MOUNT_SIZE_ATTRIBUTE, for root and the mounting user. -EBUSY if more
 * than the new size is in use.
 */
void op_resize(fuse_req_t req, struct inode *inode, const char *text, size_t length);

#endif
