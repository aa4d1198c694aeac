/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node stands for one inode of the tree while the kernel knows it, or while the
 * file's data is kept in memory here. It holds no fd: the inode is opened by handle
 * when it is needed. Only an inode without a name that is nowhere open is pinned by
 * an fd.
 */
#ifndef TREE_NODE_H
#define TREE_NODE_H

#include "state/table.h"
#include "tree/tree.h"

#include <sys/stat.h>

/* Enough for tmpfs, whose handles have 12 bytes. */
#define NODE_HANDLE_BYTES 16

/* What outlives the process. */
struct node_record {
	struct record record;
	uint64_t ino;
	_Atomic uint64_t lookups; /* the kernel's references */
	int32_t pin;
	int32_t handle_type;
	uint8_t handle_bytes;
	bool is_dir;
	unsigned char handle[NODE_HANDLE_BYTES];
};

struct node {
	uint64_t ino;
	struct node_record *record; /* NULL: nothing is kept */
	uint64_t uses; /* the kernel's references and those of node_get(); guarded by tree->lock */
	/* The file's data is kept here: the node stays while the file has a name. */
	_Atomic bool has_data;
	bool is_dir;
	int pin; /* O_PATH, or -1; guarded by tree->lock */
	uint8_t handle_bytes;
	int handle_type;
	unsigned char handle[NODE_HANDLE_BYTES];
};

/* The node of an inode that the kernel has looked up and not yet forgotten, else NULL. */
struct node *node_find(struct tree *tree, uint64_t ino);

/*
 * Looks up @name in the directory @dirfd, or @dirfd itself if @name is empty, adds one
 * reference of the kernel's, and fills in @st. 0 or -errno.
 */
int node_look_up(struct tree *tree, int dirfd, const char *name, struct node **node,
		 struct stat *st);

/* Adds a reference of this process, which does not outlive it. */
void node_get(struct tree *tree, struct node *node);

/* Gives it back. Destroys the node if nothing needs it any more. */
void node_put(struct tree *tree, struct node *node);

/* The same for references of the kernel's. */
void node_forget(struct tree *tree, struct node *node, uint64_t lookups);

/*
 * Adds the node that an earlier process has recorded, with a reference of this process's.
 * NULL: out of memory.
 */
struct node *node_restore(struct tree *tree, struct node_record *record);

/*
 * Returns a new fd of the node's inode, opened with @flags, which may include O_PATH.
 * -EAGAIN instead of a wait, if another process has a lease on the file.
 */
int node_open(struct tree *tree, const struct node *node, int flags);

/* The same, O_RDONLY, on a mount that is read-only for root, too, if reopened in /proc. */
int node_open_read_only(struct tree *tree, const struct node *node);

/* Returns whether the inode has a name. */
bool node_has_name(struct tree *tree, const struct node *node);

/*
 * Keeps an inode that has lost its last name alive, as a working directory may need
 * it. @file is an O_PATH fd of it and stays the caller's. Any user can make such inodes
 * without having a file open, so beyond a limit they are not kept.
 */
void node_pin(struct tree *tree, struct node *node, int file);

/* The inode has a name again. */
void node_unpin(struct tree *tree, struct node *node);

/* For tree.c: adds the root and finds out how inodes can be opened again. */
int node_add_root(struct tree *tree);

/* For tree.c: adds the root that is recorded. */
int node_restore_root(struct tree *tree);

/* For tree.c: destroys all nodes. */
void node_destroy_all(struct tree *tree);

#endif
