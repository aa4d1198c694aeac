/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The texts of user.dmaheap.*, readable by every user of the mount. On every file: heap,
 * dmabuf. On regular files: capacity; copy, the last copy; map, the pages that mmap(2)
 * gives: "memory", the buffer's own, with ", large pages" if MADV_HUGEPAGE gets these;
 * "dmabuf", the buffer's own, but without I/O; "cache", the page cache; or "none". On the
 * root: status, lines of key=value for dmaheapctl.
 */
#ifndef FS_INFO_H
#define FS_INFO_H

#include "fs/inode.h"

/*
 * Allocates the text of user.dmaheap.@name into @text, not zero-terminated. Returns its
 * length or -errno; -ENODATA if there is no such text.
 */
ssize_t info_xattr(struct fs *fs, struct inode *inode, const char *name, char **text);

#endif
