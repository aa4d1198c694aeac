/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node is what this process remembers of one inode of the tree while the
 * kernel knows it, or while the file has a buffer that only memory here can
 * keep. A node holds no fd: its inode is opened again by handle whenever it
 * is needed. Only what has no name left and is nowhere open is pinned by an fd.
 */
#ifndef TREE_NODE_H
#define TREE_NODE_H

#include "tree/tree.h"

#include <sys/stat.h>

struct backing;
struct buffer;

/* Enough for tmpfs (12 bytes). */
#define NODE_HANDLE_BYTES 16

struct node {
	uint64_t ino;
	uint64_t lookups; /* what the kernel has to give back by FORGET; tree->lock */
	int pin; /* O_PATH, or -1; tree->lock */
	bool is_dir;
	uint8_t handle_bytes;
	int handle_type;
	unsigned char handle[NODE_HANDLE_BYTES];

	/*
	 * The rest belongs to src/fs. Lock order: node->lock, then tree->lock.
	 */
	pthread_mutex_t lock;
	enum { XATTRS_UNKNOWN, XATTRS_NONE, XATTRS_SOME } xattrs;
	/* For regular files: */
	struct buffer *buffer; /* NULL while nobody needs one */
	bool over; /* its memory went with its last name */
	unsigned opens;
	unsigned writers; /* how many of them can write */
	struct backing *backing; /* what the kernel holds of the buffer; as long as that */
	/* By whom data was last written, as far as is known here: the kernel, past this process? */
	_Atomic enum { WRITTEN_PAST, WRITTEN_HERE, COPIED_HERE } written;
	_Atomic bool has_no_set_ids; /* nor capabilities, so none can go when data is written */
	_Atomic bool may_be_mapped; /* opened for reading and writing since the kernel knows it */
};

/* The node of a live request: the kernel names only what it has looked up. */
struct node *node_find(struct tree *tree, uint64_t ino);

/*
 * Looks @name up in the directory @dirfd, or @dirfd itself where @name is
 * empty, counts one lookup, and fills @st. 0 or -errno.
 */
int node_look_up(struct tree *tree, int dirfd, const char *name, struct node **node,
		 struct stat *st);

/*
 * Takes @lookups back. Returns true when nothing needs the node any more: it
 * is out of the table then, and the caller ends node->buffer and the node.
 */
bool node_forget(struct tree *tree, struct node *node, uint64_t lookups);
void node_destroy(struct node *node);

/* Empties the table at the end of all things; @end is what ends a node. */
void node_destroy_all(struct tree *tree, void (*end)(struct node *node));

/* A new fd of the node's file with open(2)'s @flags, O_PATH among them. */
int node_open(struct tree *tree, const struct node *node, int flags);

/*
 * The same, O_RDONLY, and however it is opened again by /proc: it stays
 * read-only, for root as well.
 */
int node_open_read_only(struct tree *tree, const struct node *node);

/*
 * Keeps the inode of a node that has lost its last name, as @file (O_PATH),
 * which stays the caller's: somebody's working directory may be there still.
 */
void node_pin(struct tree *tree, uint64_t ino, int file);

/* It has a name again. */
void node_unpin(struct tree *tree, struct node *node);

/* For tree.c: enters the root, and finds out how inodes can be opened again. */
int node_add_root(struct tree *tree);

#endif
