/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory tree of a mount: a private tmpfs that is attached nowhere, so that
 * only this process can reach it. Its kernel implements names, modes, owners, links
 * and times. A file of the mount is a file of this tmpfs, and its inode number there
 * is the FUSE node id.
 */
#ifndef TREE_TREE_H
#define TREE_TREE_H

#include "state/table.h"
#include "tree/dir_cache.h"
#include "util/node_type.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_options {
	/* As in the mount options of tmpfs; NULL: its default. */
	const char *size;
	const char *nr_inodes;
	const char *huge;
	const char *uid_size; /* limit of each owner's files, root excepted; NULL: none */
	mode_t mode;	      /* of the root */
	uid_t uid;
	gid_t gid;
	uint64_t pins;		    /* the most fds for inodes without a name */
	uint64_t atime;		    /* MOUNT_ATTR_RELATIME, _NOATIME or _STRICTATIME */
	struct node_type node_type; /* begins with a struct node */
	struct table *records;	    /* begin with a struct node_record; NULL: nothing is kept */
};

/* The inode number of tmpfs's root, and FUSE's node id of it. */
#define TREE_ROOT 1

struct tree {
	int mount;     /* the root directory, O_RDONLY */
	int read_only; /* the same on a read-only mount; -1: none */
	bool handles;  /* inodes can be opened by handle; else every node keeps an fd */
	struct node_type node_type;
	struct table *records;
	pthread_mutex_t lock; /* guards the table and the nodes' references; taken last */
	void *by_ino;
	uint64_t nodes;
	uint64_t pins, pins_limit; /* see node_pin() */
	struct dir_cache dirs;
};

/* 0 or -errno. On failure @why holds one line that says how to mend it. */
int tree_init(struct tree *tree, const struct tree_options *options, char why[static 256]);

/* What another program of this version needs to go on with a tree: fds, and how it is used. */
struct tree_handover {
	int32_t mount, read_only;
	bool handles;
};

struct tree_handover tree_hand_over(const struct tree *tree);

/* The same as tree_init() for a tree that was handed over. Its nodes are restored later. */
int tree_take_over(struct tree *tree, const struct tree_options *options,
		   const struct tree_handover *handover);

/* Files mapped with MADV_HUGEPAGE get huge pages at the moment. */
bool tree_has_large_pages(struct tree *tree);

/* The kernel has copy_file_range(2) between this tmpfs and other filesystems. */
bool tree_takes_copies(struct tree *tree);

/*
 * Removes all names, so that a process that holds one file keeps the memory of that file
 * only. Call it when the mount is gone.
 */
void tree_empty(struct tree *tree);

/* Returns whether there are no names. */
bool tree_is_empty(struct tree *tree);

/* Destroys all nodes, then closes the tmpfs. */
void tree_finish(struct tree *tree);

#endif
