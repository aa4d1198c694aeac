/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of the last copy into or out of a file: the text of
 * user.dmaheap.copy. It is kept with the file in the tree, so it lasts as long
 * as the file does.
 */
#ifndef FS_COPIED_H
#define FS_COPIED_H

#include "copy/copy.h"
#include "fs/fs.h"

/* A copy that this process made is over: remembers and counts it. */
void copied_record(struct fs *fs, struct node *node, const struct copy_report *report);

#endif
