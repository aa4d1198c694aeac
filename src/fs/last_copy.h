/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last copy into or out of a file: the text of user.dmaheap.copy. There are three
 * sources. The daemon's own copies, and those of dmaheapctl, are stored in an extended
 * attribute of the file in the tree, which the mount does not show. Copies by the kernel
 * are known from its counters. If there is neither, the text tells how bytes were written.
 */
#ifndef FS_LAST_COPY_H
#define FS_LAST_COPY_H

#include "copy/copy.h"

#include <stdio.h>

struct fs;
struct inode;

/* The extended attribute in the tree. */
#define LAST_COPY_ATTRIBUTE "trusted.dmaheap.copy"

/* The last writer of a file, as far as it is known here. */
enum last_writer { WRITTEN_BY_KERNEL, WRITTEN_HERE, COPIED_HERE };

/* The progress of a copy from a file of the source, which may take several requests. */
struct source_progress {
	uint64_t to;	   /* the node id of the destination */
	off_t end, to_end; /* the end of the last request in both files */
	uint64_t bytes;
	double seconds;
};

/*
 * Records a copy that this process has made for a request: counts @report, and stores
 * @whole, which includes the requests before it.
 */
void last_copy_record(struct fs *fs, struct inode *inode, const struct copy_report *report,
		      const struct copy_report *whole);

/* Stores a report by dmaheapctl. -EINVAL if @text is none. */
int last_copy_store(struct fs *fs, struct inode *inode, const char *text, size_t size);

/* Notes the kernel's counters. It loses them with the inode: to be called at open and release. */
void last_copy_note(struct inode *inode);

/* The file was truncated to 0: there is no last copy. */
void last_copy_forget(struct fs *fs, struct inode *inode);

/* Prints the text. -ENODATA if there is none. */
int last_copy_print(FILE *out, struct fs *fs, struct inode *inode);

#endif
