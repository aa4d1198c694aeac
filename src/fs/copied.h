/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of the last copy into or out of a file: the text of
 * user.dmaheap.copy. It is an extended attribute of the file in the tree that
 * the mount does not show, so it lasts as long as the file does.
 */
#ifndef FS_COPIED_H
#define FS_COPIED_H

#include "copy/copy.h"
#include "fs/fs.h"

#include <stdio.h>

/* Where the text is kept in the tree. */
#define COPIED_ATTRIBUTE "trusted.dmaheap.copy"

/*
 * A request to copy that this process carried out is over: counts @report, and
 * remembers @whole, the copy that it has completed so far.
 */
void copied_record(struct fs *fs, struct node *node, const struct copy_report *report,
		   const struct copy_report *whole);

/*
 * Somebody who copied by himself says how, in the same form. -EINVAL where it
 * is none.
 */
int copied_accept(struct fs *fs, struct node *node, const char *text, size_t size);

/* The file is empty now: what was copied is gone. */
void copied_forget(struct fs *fs, struct node *node);

/* The text, -ENODATA where there is nothing to tell of. */
int copied_print(FILE *out, struct fs *fs, struct node *node);

#endif
