/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way in which an open file's data travels: past this process, or through it. */
#ifndef FS_OPEN_MODE_H
#define FS_OPEN_MODE_H

#include "fs/fs.h"

/* The answer to an open, by the kernel's FOPEN flags. */
enum open_mode {
	OPEN_CACHED = 0,	   /* through the kernel's page cache and this process */
	OPEN_PASSTHROUGH = 1 << 0, /* the kernel reads and writes the memory itself */
	OPEN_DIRECT = 1 << 1,	   /* through this process; with passthrough, mmap is not */
};

/* The facts that decide. In the table's rows each of the ints may also be ANY. */
struct open_facts {
	enum buffer_state memory;
	int passthrough; /* the kernel reads and writes the memory file itself */
	int bound;	 /* the kernel uses the dma-buf in place of the memory file */
	int direct_mmap; /* files with FOPEN_DIRECT_IO can be mapped shared */
};
#define ANY (-1)

enum open_mode open_mode(const struct open_facts *facts);

/* Negotiates the kernel's capabilities; at init. */
void open_mode_negotiate(struct fs *fs, struct fuse_conn_info *conn);

struct open_file;

/* Chooses the mode of @file, just opened in the tree, and fills in @fi. */
void open_mode_choose(struct fs *fs, struct open_file *file, struct fuse_file_info *fi);

/* Sets the backing id that the kernel reads and writes. */
void open_mode_set_backing(struct fuse_file_info *fi, int id);

#endif
