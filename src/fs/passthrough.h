/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which way the data of an open file goes: past this process, or through it.
 */
#ifndef FS_PASSTHROUGH_H
#define FS_PASSTHROUGH_H

#include "fs/fs.h"

/* How an open is answered, with the kernel's FOPEN flags. */
enum open_mode {
	OPEN_CACHED = 0, /* the kernel's page cache, and this process behind it */
	OPEN_PASSTHROUGH = 1 << 0, /* the kernel reads and writes the memory itself */
	OPEN_DIRECT = 1 << 1, /* read and write come here; with passthrough, mmap does not */
};

/*
 * The rest of an open file's handle: what it may, and a number of its own, which
 * counts in steps of OPEN_NUMBER.
 */
#define OPEN_READS  (UINT64_C(1) << 2)
#define OPEN_WRITES (UINT64_C(1) << 3)
#define OPEN_NUMBER (UINT64_C(1) << 4)

/* What decides; in the table's rows each of the ints may also be ANY. */
struct open_facts {
	enum buffer_state memory;
	int passthrough; /* the kernel can do it, for memory files */
	int binds; /* the kernel can have dma-bufs behind files */
	int direct_mmap; /* files with direct I/O can be mapped shared */
	int appends; /* the file is opened with O_APPEND */
};
#define ANY (-1)

enum open_mode open_mode(const struct open_facts *facts);

/* Asks the kernel for what it can; at init. */
void passthrough_negotiate(struct fs *fs, struct fuse_conn_info *conn);

/* Fills in how the file just opened, node->buffer behind it, is read and written. */
void passthrough_choose(fuse_req_t req, struct node *node, struct fuse_file_info *fi);

/* The open goes to the file behind the backing id @id. */
void passthrough_set(struct fuse_file_info *fi, int id);

/* The open that @fi was filled in for is released. */
void passthrough_end(struct node *node, const struct fuse_file_info *fi);

#endif
