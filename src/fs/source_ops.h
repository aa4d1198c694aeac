/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -o source=DIR, shown in the root directory as .source. It is not listed there, or
 * `rm -r` and tar would descend into it. Operations that change it fail with EROFS.
 */
#ifndef FS_SOURCE_OPS_H
#define FS_SOURCE_OPS_H

#include "fs/inode.h"

#define SOURCE_NAME ".source"

/* Replies to a lookup of .source. */
void source_look_up_root(fuse_req_t req);

/* Opens inode->file until source_drop(). 0 or -errno. */
int source_hold(struct fs *fs, struct inode *inode);
void source_drop(struct fs *fs, struct inode *inode);

/* stat(2), also of an open file that has lost its name. 0 or -errno. */
int source_stat_inode(struct fs *fs, struct inode *inode, struct stat *st);

/* The reply to a lookup of @inode, whose attributes are @st. */
struct fuse_entry_param source_entry(struct inode *inode, const struct stat *st);

#endif
