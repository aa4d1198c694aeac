/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a mount tells of itself: the texts of user.dmaheap.*, which anyone who
 * sees the mount may read. On every file: heap, dmabuf. On regular files:
 * capacity; copy, how its bytes came; map, what mmap(2) gives: "memory", the
 * buffer's own pages, with ", large pages" where MADV_HUGEPAGE gets such,
 * "dmabuf", its own too but nothing that I/O can be done with, "cache", pages
 * of the kernel's, or "none". On the root: status, lines of key=value for
 * dmaheapctl.
 */
#ifndef FS_STATUS_H
#define FS_STATUS_H

#include "fs/fs.h"

/*
 * The text of user.dmaheap.@name, allocated into @text, without a final zero
 * counted. Returns its length or -errno: -ENODATA where there is no such text.
 */
ssize_t status_xattr(struct fs *fs, struct node *node, const char *name, char **text);

#endif
