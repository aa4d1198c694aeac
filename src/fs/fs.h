/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One mount: what its operations share. It travels as the session's user
 * data; there is no global state.
 */
#ifndef FS_FS_H
#define FS_FS_H

#define FUSE_USE_VERSION 312

#include "buffer/buffer.h"
#include "buffer/heap.h"
#include "copy/copy.h"
#include "fs/backing.h"
#include "fs/stale.h"
#include "tree/node.h"
#include "tree/tree.h"

#include <fuse_lowlevel.h>
#include <stdatomic.h>
#include <time.h>

/* What `dmaheapctl status` shows; counts since the mount. */
struct counters {
	_Atomic uint64_t reads, read_bytes; /* that passed through this process */
	_Atomic uint64_t writes, written_bytes;
	_Atomic uint64_t copies, copied_bytes; /* copy_file_range within the mount */
	_Atomic uint64_t loads, loaded_bytes; /* copies with files of other filesystems … */
	_Atomic uint64_t loads_direct; /* … of these, past the page cache */
	_Atomic uint64_t opens_passthrough;
	_Atomic uint64_t opens_direct;
	_Atomic uint64_t opens_cached;
};

struct share;
struct view;

struct fs {
	struct fuse_session *session;
	char *mountpoint; /* absolute; session_mount() sets it */
	struct tree tree;
	struct heap *heap;
	struct budget budget;
	struct counters counters;
	struct view *view; /* what .source shows; NULL: there is none */
	struct stale stale;
	/* What the kernel agreed to; set once by init, before other requests. */
	struct backing_kernel kernel;
	struct backing_kernel source_kernel; /* for files of the view: nothing is bound to them */
	bool passthrough;
	bool direct_mmap;
	struct timespec since;
	/* Copies with files of other filesystems: what the options say, and who makes them. */
	enum copy_direct direct;
	enum copy_busy busy;
	unsigned int copy_threads;
	struct copy_pool *copies; /* while the session is served */
	struct share *share; /* that as well: gives out the memory itself */
	_Atomic uint64_t opens; /* files opened so far */
};

static inline struct fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* The node that a request names. */
static inline struct node *fs_node(fuse_req_t req, fuse_ino_t ino)
{
	return node_find(&fs_of(req)->tree, ino);
}

/* Replies with @error, 0 or -errno. The one place where the sign flips. */
void fs_reply_error(fuse_req_t req, int error);

/*
 * Replies with an extended attribute, or -errno in place of its @length. As
 * getxattr(2) has it: no room asked for gets the size, too little ERANGE.
 */
void fs_reply_value(fuse_req_t req, const char *value, ssize_t length, size_t size);

/* @error, 0 or -errno, as a caller has to hear it who found @node by its path. */
static inline int fs_answer(fuse_req_t req, const struct node *node, int error)
{
	/* Directories outlive their names. */
	if (node->is_dir)
		return error;
	return stale_answer(&fs_of(req)->stale, fuse_req_ctx(req)->pid, error);
}

/* For this long the kernel may rely on what it was told of @node. */
double fs_attr_timeout(const struct node *node, const struct stat *st);

/* Names change by this mount alone, so the kernel need never ask twice. */
#define FS_NAME_TIMEOUT 1e9

/* stat(2) of the node's file, with what its buffer knows. 0 or -errno. */
int fs_stat(struct fs *fs, struct node *node, struct stat *st);

/* Looks up @name below @dirfd, or @dirfd itself if empty, for a reply. */
int fs_entry(struct fs *fs, int dirfd, const char *name, struct fuse_entry_param *entry);

/*
 * On heaps whose buffers cost an fd each, the most buffers there can be: the
 * limit of open files less what the daemon needs for itself.
 */
uint64_t fs_most_buffers(void);

/* The tree's operations, one file per family; the table is in ops.c. */
extern const struct fuse_lowlevel_ops fs_ops;

#endif
