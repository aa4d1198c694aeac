/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -o source=DIR: the view of DIR that the root directory has under the name
 * .source. It is not listed there, or rm -r and tar would walk into it.
 *
 * Node ids of the view have VIEW_BIT set, those of the tree never have:
 * inode numbers of a tmpfs count from 1. What the view can do is a table of
 * its own; sides.c decides which of the two a request means.
 */
#ifndef FS_SOURCE_H
#define FS_SOURCE_H

#include "fs/fs.h"
#include "view/view.h"

#define SOURCE_NAME ".source"

/*
 * DIR changes without us, so what the kernel was told holds for a moment only:
 * long enough for what one system call or the next asks again, and too short
 * for a script to notice.
 */
#define SOURCE_TIMEOUT 0.01

static inline bool source_has(fuse_ino_t ino)
{
	return ino & VIEW_BIT;
}

static inline struct view_node *source_node(fuse_req_t req, fuse_ino_t ino)
{
	return view_find(fs_of(req)->view, ino);
}

/* Answers a lookup of .source. */
void source_reply_root(fuse_req_t req);

/* What a lookup of @node, just counted, answers. */
struct fuse_entry_param source_entry(struct view_node *node, const struct stat *st);

/* Ends what the kernel has of a node, which is over. */
void source_end(struct view_node *node);

/* What reads. Everything else changes something, and is EROFS. */
extern const struct fuse_lowlevel_ops source_ops;

/* source_names.c */
void source_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void source_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups);
void source_readlink(fuse_req_t req, fuse_ino_t ino);
void source_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void source_statfs(fuse_req_t req, fuse_ino_t ino);
void source_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void source_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);

/* source_directories.c */
void source_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void source_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi);
void source_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			struct fuse_file_info *fi);

/* source_files.c */
void source_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void source_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		 struct fuse_file_info *fi);
void source_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
		  struct fuse_file_info *fi);
void source_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* source_copy.c: the one request that concerns both; @out is a file of the tree. */
void source_copy(fuse_req_t req, fuse_ino_t in, off_t in_offset, fuse_ino_t out, off_t out_offset,
		 size_t size);

#endif
