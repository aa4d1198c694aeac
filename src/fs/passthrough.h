/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which way the data of an open file goes: past this process, or through it.
 */
#ifndef FS_PASSTHROUGH_H
#define FS_PASSTHROUGH_H

#include "fs/fs.h"

/* The FOPEN flags that an open is answered with. */
enum open_flags {
	OPEN_CACHED = 0, /* the kernel's page cache, and this process behind it */
	OPEN_PASSTHROUGH = 1 << 0, /* the kernel reads and writes the memory itself */
	OPEN_DIRECT = 1 << 1, /* read and write come here; with passthrough, mmap does not */
};

struct open_row {
	enum buffer_state memory;
	int passthrough; /* what the kernel can, 0 or 1; -1: does not matter */
	int direct_mmap;
	enum open_flags flags;
};

/* The table; never NULL. */
const struct open_row *open_row(enum buffer_state memory, bool passthrough, bool direct_mmap);

/* Asks the kernel for what it can; at init. */
void passthrough_negotiate(struct fs *fs, struct fuse_conn_info *conn);

/* Fills in how the file just opened, node->buffer behind it, is read and written. */
void passthrough_choose(fuse_req_t req, struct node *node, struct fuse_file_info *fi);

/* The last open of @node is over. node->lock is held. */
void passthrough_end(fuse_req_t req, struct node *node);

#endif
