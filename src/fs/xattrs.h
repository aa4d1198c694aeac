/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * That a file has no extended attributes at all is worth knowing: the kernel
 * asks for security.capability before the first write to a file, ls for
 * security.selinux and access lists, and nearly always in vain.
 */
#ifndef FS_XATTRS_H
#define FS_XATTRS_H

#include "fs/fs.h"

/* Finds out whether @node has any, where its file is open at hand, as @file. */
void xattrs_learn(struct node *node, int file);

#endif
