/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The FUSE operations of each kind of inode. dispatch.c resolves the inode that a request
 * names, once, and calls the operation of its kind.
 */
#ifndef FS_OPS_H
#define FS_OPS_H

#include "fs/file.h"
#include "fs/inode.h"

struct inode_ops {
	int refusal; /* -errno for operations that are NULL */

	void (*lookup)(fuse_req_t req, struct inode *parent, const char *name);
	void (*forget)(struct fs *fs, struct inode *inode, uint64_t lookups); /* no reply */
	void (*readlink)(fuse_req_t req, struct inode *inode);
	void (*getattr)(fuse_req_t req, struct inode *inode);
	void (*setattr)(fuse_req_t req, struct inode *inode, const struct stat *attr, int which);
	void (*statfs)(fuse_req_t req, struct inode *inode);

	void (*mknod)(fuse_req_t req, struct inode *parent, const char *name, mode_t mode,
		      dev_t rdev);
	void (*mkdir)(fuse_req_t req, struct inode *parent, const char *name, mode_t mode);
	void (*symlink)(fuse_req_t req, struct inode *parent, const char *name, const char *target);
	void (*create)(fuse_req_t req, struct inode *parent, const char *name, mode_t mode,
		       struct fuse_file_info *fi);
	void (*tmpfile)(fuse_req_t req, struct inode *parent, mode_t mode,
			struct fuse_file_info *fi);
	void (*link)(fuse_req_t req, struct inode *inode, struct inode *parent, const char *name);
	void (*unlink)(fuse_req_t req, struct inode *parent, const char *name);
	void (*rmdir)(fuse_req_t req, struct inode *parent, const char *name);
	void (*rename)(fuse_req_t req, struct inode *parent, const char *name,
		       struct inode *new_parent, const char *new_name, unsigned flags);

	void (*opendir)(fuse_req_t req, struct inode *inode, struct fuse_file_info *fi);
	void (*readdir)(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
			struct fuse_file_info *fi);
	void (*readdirplus)(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
			    struct fuse_file_info *fi);

	void (*getxattr)(fuse_req_t req, struct inode *inode, const char *name, size_t size);
	void (*listxattr)(fuse_req_t req, struct inode *inode, size_t size);
	void (*setxattr)(fuse_req_t req, struct inode *inode, const char *name, const char *value,
			 size_t size, int flags);
	void (*removexattr)(fuse_req_t req, struct inode *inode, const char *name);

	void (*open)(fuse_req_t req, struct inode *inode, struct fuse_file_info *fi);
	void (*release)(struct fs *fs, struct open_file *file); /* no reply */
	void (*read)(fuse_req_t req, struct open_file *file, size_t size, off_t offset);
	void (*write)(fuse_req_t req, struct open_file *file, const char *data, size_t size,
		      off_t offset);
	void (*fallocate)(fuse_req_t req, struct open_file *file, int mode, off_t offset,
			  off_t length);
	void (*lseek)(fuse_req_t req, struct open_file *file, off_t offset, int whence);
	/* To a file of this kind, from a file of any kind. */
	void (*copy_file_range)(fuse_req_t req, struct open_file *in, off_t in_offset,
				struct open_file *out, off_t out_offset, size_t size);
	void (*ioctl)(fuse_req_t req, struct open_file *file, unsigned int command, const void *in);
};

extern const struct inode_ops tree_ops;	  /* dispatch.c: files and directories */
extern const struct inode_ops source_ops; /* source.c: .source and all below it, read-only */
extern const struct inode_ops socket_ops; /* export.c: the socket that passes fds */

/* names.c */
void op_lookup(fuse_req_t req, struct inode *parent, const char *name);
void op_readlink(fuse_req_t req, struct inode *inode);
void op_link(fuse_req_t req, struct inode *inode, struct inode *parent, const char *name);
void op_unlink(fuse_req_t req, struct inode *parent, const char *name);
void op_rmdir(fuse_req_t req, struct inode *parent, const char *name);
void op_rename(fuse_req_t req, struct inode *parent, const char *name, struct inode *new_parent,
	       const char *new_name, unsigned flags);

/* create.c */
void op_mknod(fuse_req_t req, struct inode *parent, const char *name, mode_t mode, dev_t rdev);
void op_mkdir(fuse_req_t req, struct inode *parent, const char *name, mode_t mode);
void op_symlink(fuse_req_t req, struct inode *parent, const char *name, const char *target);
void op_create(fuse_req_t req, struct inode *parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi);
void op_tmpfile(fuse_req_t req, struct inode *parent, mode_t mode, struct fuse_file_info *fi);

/* attr.c */
void op_getattr(fuse_req_t req, struct inode *inode);
void op_setattr(fuse_req_t req, struct inode *inode, const struct stat *attr, int which);
void op_statfs(fuse_req_t req, struct inode *inode);

/* dir.c */
void op_opendir(fuse_req_t req, struct inode *inode, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
		struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
		    struct fuse_file_info *fi);
void dir_release(struct fs *fs, uint64_t handle); /* of the tree and of the source */
int dir_restore(struct fs *fs, struct handle_record *record);
void source_op_opendir(fuse_req_t req, struct inode *inode, struct fuse_file_info *fi);
void source_op_readdir(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
		       struct fuse_file_info *fi);
void source_op_readdirplus(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
			   struct fuse_file_info *fi);

/* xattr.c */
void op_getxattr(fuse_req_t req, struct inode *inode, const char *name, size_t size);
void op_listxattr(fuse_req_t req, struct inode *inode, size_t size);
void op_setxattr(fuse_req_t req, struct inode *inode, const char *name, const char *value,
		 size_t size, int flags);
void op_removexattr(fuse_req_t req, struct inode *inode, const char *name);

/* file.c */
void op_open(fuse_req_t req, struct inode *inode, struct fuse_file_info *fi);
void open_file_release(struct fs *fs, struct open_file *file);
void op_read(fuse_req_t req, struct open_file *file, size_t size, off_t offset);
void op_write(fuse_req_t req, struct open_file *file, const char *data, size_t size, off_t offset);
void op_fallocate(fuse_req_t req, struct open_file *file, int mode, off_t offset, off_t length);
void op_lseek(fuse_req_t req, struct open_file *file, off_t offset, int whence);
void op_copy_file_range(fuse_req_t req, struct open_file *in, off_t in_offset,
			struct open_file *out, off_t out_offset, size_t size);

/* source_copy.c: copy_file_range(2) from a file of the source to a file of the tree */
void source_copy(fuse_req_t req, struct inode *in, off_t in_offset, struct inode *out,
		 off_t out_offset, size_t size);

/* export.c */
void op_ioctl(fuse_req_t req, struct open_file *file, unsigned int command, const void *in);

#endif
