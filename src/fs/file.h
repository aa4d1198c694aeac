/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open files. */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "fs/handle.h"
#include "fs/inode.h"
#include "fs/open_mode.h"

/* The file handle of FUSE: requests on an open file need no lookup. */
struct open_file {
	struct handle handle; /* must come first */
	struct inode *inode;
	enum open_mode mode;
	int flags;   /* of open(2) */
	bool parked; /* as in inode_park() */
};

static inline struct open_file *open_file_of(const struct fs *fs, uint64_t handle)
{
	return (struct open_file *)handle_find(&fs->handles, handle);
}

/* Never reused; tickets refer to it. */
static inline uint64_t open_file_number(const struct open_file *file)
{
	return file->handle.record->handle;
}

static inline bool open_file_reads(const struct open_file *file)
{
	return (file->flags & O_ACCMODE) != O_WRONLY;
}

static inline bool open_file_writes(const struct open_file *file)
{
	return (file->flags & O_ACCMODE) != O_RDONLY;
}

/* A new handle for @inode. 0 or -errno, as from handle_add(). */
int open_file_create(fuse_req_t req, struct inode *inode, const struct fuse_file_info *fi,
		     struct open_file **file);
void open_file_destroy(struct fs *fs, struct open_file *file);

/* The file is open from here on: records it, and sets the handle in @fi. */
void open_file_answer(struct open_file *file, struct fuse_file_info *fi);

/* Adds the file that an earlier process has recorded, without a use of @inode. NULL: no memory. */
struct open_file *open_file_restore(struct fs *fs, struct inode *inode,
				    struct handle_record *record);

/* The use of an open file's buffer by one request. */
struct buffer_use {
	struct fs *fs;
	struct inode *inode; /* to be dropped; NULL: none */
	int error;	     /* 0, or -errno: there is no buffer */
};

/* Any other open file than a parked one has a buffer anyway. */
struct buffer_use open_file_use(struct fs *fs, struct open_file *file);

static inline void scope_buffer_use(struct buffer_use *use)
{
	if (use->inode)
		inode_drop(use->fs, use->inode);
}

/*
 * Opens a file of the tree and fills in @fi. @file as in inode_hold(). 0 or -errno.
 */
int file_open(fuse_req_t req, struct inode *inode, int file, struct fuse_file_info *fi);

#endif
