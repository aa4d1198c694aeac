/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new size= for a mount that is in use. */
#ifndef FS_RESIZE_H
#define FS_RESIZE_H

#include "fs/inode.h"

/* Set on the root, by root or the user who mounted, to a text as for size=. */
#define RESIZE_ATTRIBUTE "user.dmaheap.size"

/* Answers setxattr(2) of that attribute. -EBUSY if more than the new size is in use. */
void op_resize(fuse_req_t req, struct inode *inode, const char *text, size_t length);

#endif
