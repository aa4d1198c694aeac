/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of a mount: a private tmpfs that is attached nowhere, so that
 * only this process can reach it. Everything POSIX says of names, modes,
 * owners, links and times is the kernel's own doing there. A file of the
 * mount is a file of this tmpfs: its inode number is the FUSE node id.
 */
#ifndef TREE_TREE_H
#define TREE_TREE_H

#include "tree/dirs.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_options {
	/* As the user wrote them, for the kernel to read; NULL: its default. */
	const char *size;
	const char *nr_inodes;
	const char *huge;
	mode_t mode; /* of the root */
	uid_t uid;
	gid_t gid;
	uint64_t atime; /* MOUNT_ATTR_RELATIME, _NOATIME or _STRICTATIME */
};

/* The inode number of the root: tmpfs's, and FUSE's node id. */
#define TREE_ROOT 1

struct tree {
	int mount; /* the root directory, O_RDONLY */
	int read_only; /* the same, by a mount on which nothing can be written; -1: none */
	/* Files can be opened again by handle; else every node keeps an fd. */
	bool handles;
	/* Guards the nodes' table and their lookup counts. Taken last. */
	pthread_mutex_t lock;
	void *by_ino;
	uint64_t nodes;
	struct dirs dirs;
};

/* On failure returns -errno, and @why holds one line that says what to do. */
int tree_init(struct tree *tree, const struct tree_options *options, char why[static 256]);

/* Whether files mapped with MADV_HUGEPAGE get large pages now. */
bool tree_has_large_pages(struct tree *tree);

/* No node has a buffer by then. With the last fd the memory of all files goes. */
void tree_finish(struct tree *tree);

#endif
