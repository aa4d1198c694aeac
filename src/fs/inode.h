/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An inode that the kernel knows: a file or directory of the tree, one of the source, or
 * the socket. The tree's and the source's tables allocate it, see struct node_type.
 */
#ifndef FS_INODE_H
#define FS_INODE_H

#include "fs/fs.h"
#include "fs/last_copy.h"
#include "source/source.h"
#include "tree/node.h"

struct inode_ops;

/* What of an inode outlives the process, besides its entry in the table. */
struct inode_kept {
	struct backing_record backing;
	_Atomic bool may_be_mapped; /* it was opened for reading and writing */
	_Atomic bool is_shared;	    /* other processes have fds of the memory, past the mount … */
	_Atomic uint32_t shared_with; /* … the first was of this user */
	_Atomic enum last_writer last_writer;
	_Atomic int32_t file; /* of the source: 1 + the fd; 0: none */
};

/* The records of the tables. */
struct tree_record {
	struct node_record node;
	struct inode_kept kept;
};

struct source_inode_record {
	struct source_record source;
	struct inode_kept kept;
	struct source_progress progress; /* guarded by the inode's lock */
};

struct inode {
	/* The entry in its table. Must come first. */
	union {
		struct node node;
		struct source_node source;
	};
	const struct inode_ops *ops;

	/* Lock order: inode->lock, then buffer, tree or source locks. */
	pthread_mutex_t lock;
	unsigned opens;		 /* open files, and other users of the memory … */
	unsigned parked;	 /* … of these, open files that need no fd here */
	struct backing *backing; /* registered with the kernel; as long as the memory */

	/* Of the tree. */
	enum { XATTRS_UNKNOWN, XATTRS_NONE, XATTRS_SOME } xattrs;
	struct buffer *buffer;	     /* NULL: not needed at the moment, all opens are parked */
	bool is_over;		     /* it has lost its last name, and its memory */
	unsigned writers;	     /* open files that can write */
	_Atomic bool has_no_set_ids; /* nor capabilities, that a write would have to remove */

	/* Of the source. */
	int file;	 /* O_RDONLY while it is open, else -1; see kept->file */
	bool cached;	 /* its opens go through the page cache */
	off_t told_size; /* st_size and st_ctim as the kernel knows them */
	struct timespec told_change;
};

extern const struct node_type inode_tree_type, inode_source_type;

/* The node id of the socket. Ids of the tree are smaller, those of the source have SOURCE_BIT. */
#define SOCKET_ID (UINT64_C(1) << 62)

struct inode_kept *inode_kept(const struct inode *inode);

/* Gives @inode a backing, if it has none. 0 or -ENOMEM. inode->lock is held. */
int inode_need_backing(struct fs *fs, struct inode *inode);

static inline struct source_progress *inode_progress(const struct inode *inode)
{
	return &((struct source_inode_record *)inode->source.record)->progress;
}

/* Returns the inode of a node id in a request; NULL: there is none (any more). */
struct inode *inode_find(struct fs *fs, fuse_ino_t ino);

/* --- inodes of the tree; callers hold no lock ------------------------------------- */

static inline struct inode *inode_of_node(struct node *node)
{
	return (struct inode *)node;
}

/*
 * Looks up @name below @dirfd, or @dirfd itself if @name is empty, adds a reference, and
 * fills in @entry for a reply. 0 or -errno.
 */
int inode_look_up(struct fs *fs, int dirfd, const char *name, struct inode **inode,
		  struct fuse_entry_param *entry);

/* FORGET. The references are those of inode_look_up(). */
void inode_forget(struct fs *fs, struct inode *inode, uint64_t lookups);

/* stat(2) with the buffer's size and times. 0 or -errno. */
int inode_stat(struct fs *fs, struct inode *inode, struct stat *st);

/* The seconds for which the kernel may cache the attributes @st. */
double inode_attr_timeout(const struct inode *inode, const struct stat *st);

/* Returns @error, or its replacement for a caller that found @inode by its path. */
int inode_answer(fuse_req_t req, const struct inode *inode, int error);

/*
 * Gives @inode a buffer until inode_drop(). @file is an O_RDWR fd of it, which is taken
 * over also on an error, or -1. 0 or -errno.
 */
int inode_hold(struct fs *fs, struct inode *inode, int file);
void inode_drop(struct fs *fs, struct inode *inode);

/*
 * One of those who hold @inode is an open file of tmpfs past this process. It keeps the
 * memory alive by itself, so the fd here is closed until it is needed. inode_drop_parked()
 * ends that, too.
 */
void inode_park(struct fs *fs, struct inode *inode);
void inode_drop_parked(struct fs *fs, struct inode *inode);

/*
 * @user is about to get an fd of the memory itself, which is in the tree. While the file
 * has a name it stays open here, for writing: a lease on such an fd, which would block the
 * next open, is then impossible. It counts as an open file of the user. 0 or -errno.
 */
int inode_share(struct fs *fs, struct inode *inode, uid_t user);

/*
 * The inode @ino has lost its last name by a removal: frees its memory if it is not open.
 * @file is an O_PATH fd of it and stays the caller's.
 */
void inode_removed(struct fs *fs, uint64_t ino, int file);

/*
 * Keeps an inode without a name alive for stat(2), as no buffer does. @file is an O_PATH
 * fd of it and stays the caller's.
 */
void inode_keep_nameless(struct fs *fs, struct inode *inode, int file);

/*
 * For restore.c. The inode has an open file from an earlier process; a buffer; and, after all
 * of these, the rest: backing ids, and users of shared memory. inode_restore_end() gives up
 * what an inode does not need.
 */
struct open_file;
int inode_restore_open(struct fs *fs, struct open_file *file);
int inode_restore_buffer(struct fs *fs, struct inode *inode, struct buffer *buffer);
int inode_restore_rest(struct fs *fs, struct inode *inode);
void inode_restore_end(struct fs *fs, struct inode *inode);

#endif
