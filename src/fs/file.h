/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regular files: a node and its buffer, for as long as somebody needs them.
 * The node's lock is taken here; callers hold none.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "fs/fs.h"

/*
 * Makes sure that @node has a buffer until file_drop(). @file is an O_RDWR fd
 * of the node's file if there is one at hand, else -1; it is the buffer's from
 * here on, or closed. 0 or -errno.
 */
int file_hold(struct fs *fs, struct node *node, int file);
void file_drop(struct fs *fs, struct node *node);

/* An open file of the kernel's: file_hold() and what has to be counted. */
int file_open(struct fs *fs, struct node *node, int file, int flags);

/* RELEASE. */
void file_close(struct fs *fs, struct node *node, const struct fuse_file_info *fi);

/* FORGET. */
void file_forget(struct fs *fs, struct node *node, uint64_t lookups);

/*
 * The file @ino has lost its last name; if nobody has it open, it is over. @file
 * is it, O_PATH, and stays the caller's.
 */
void file_end_nameless(struct fs *fs, uint64_t ino, int file);

/*
 * The file @ino, open and without a name, is still asked for its attributes;
 * where no buffer holds its inode, an fd has to.
 */
void file_keep_nameless(struct fs *fs, uint64_t ino, int file);

/* Ends a node with all it has; no request is under way. */
void file_end(struct node *node);

#endif
