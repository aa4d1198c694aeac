/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of -o source=, shown read-only as .source. This room knows no FUSE.
 *
 * The directory is reached through a private mount of it that is attached nowhere:
 * read-only, without access times, devices, symlinks, and mounts below it. Every walk
 * starts at its root, and the kernel keeps it below, even if other processes rename
 * directories meanwhile.
 *
 * Other processes change the directory without notice. So a node stands for one inode
 * that was found under a name, and is valid while it is found there. -ESTALE means that
 * the name must be looked up again.
 *
 * Everything returns 0 (or an fd) or -errno.
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "state/table.h"
#include "util/node_type.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

/* Set in the id of every node, and in an inode number that is shown, unless it is short. */
#define SOURCE_BIT     (UINT64_C(1) << 63)
#define SOURCE_ROOT_ID SOURCE_BIT

struct fd_cache_entry;
struct source;

/* Tells an inode from all others that ever had its number. */
struct source_identity {
	dev_t dev;
	ino_t ino;
	struct timespec born; /* zero if the filesystem does not record it */
};

/* What outlives the process. */
struct source_record {
	struct record record;
	uint64_t id;
	struct source_identity identity;
	_Atomic uint64_t lookups; /* the kernel's references */
	_Atomic uint64_t parent;  /* its id */
	_Atomic uint64_t last_id; /* of the root only: the last id that was given */
	char names[2][NAME_MAX + 1];
	_Atomic uint32_t name; /* which of them is the name */
};

struct source_node {
	uint64_t id; /* never reused */
	struct source_identity identity;
	struct source_record *record; /* NULL: nothing is kept */

	/* Guarded by the source's lock. */
	uint64_t uses;		    /* references, and nodes found in this directory */
	struct source_node *parent; /* the directory where it was last found; NULL: the root */
	char *name;
	struct fd_cache_entry *cached; /* see fd_cache.c; NULL: none */
};

struct source_options {
	const char *directory;
	const char *mountpoint; /* must not be shown in itself */
	bool allow_fuse;
	struct node_type node_type; /* begins with a struct source_node */
	struct table *records;	    /* begin with a struct source_record; NULL: nothing is kept */
};

/* On failure @why holds one line that says how to mend it. */
int source_create(struct source **source, const struct source_options *options,
		  char why[static 256]);

/* As tree_handover. */
struct source_handover {
	int32_t origin, root;
};

struct source_handover source_hand_over(const struct source *source);

/* The same as source_create() for a source that was handed over. 0 or -errno. */
int source_take_over(struct source **source, const struct source_options *options,
		     const struct source_handover *handover);

/*
 * To be called once threads may be created. From then on an inode that was looked up
 * is kept open for a second, so that its name still means it in the next request.
 */
int source_start(struct source *source);

/* Destroys all nodes with it. NULL is fine. */
void source_destroy(struct source *source);

/*
 * Sets whether the kernel's permission checks see access lists. If not, a file that has
 * one is shown as accessible by its owner only: the group bits of its mode are the
 * list's mask, and would grant more than the list.
 */
void source_show_acls(struct source *source, bool show);

/* NULL: there is no such node (any more). */
struct source_node *source_find(struct source *source, uint64_t id);

/*
 * Looks up @name in @parent, adds a reference, and fills in @st as source_stat() does.
 * source_look_up_at() is for callers that have the directory open as @dirfd.
 */
int source_look_up(struct source *source, struct source_node *parent, const char *name,
		   struct source_node **node, struct stat *st);
int source_look_up_at(struct source *source, struct source_node *parent, int dirfd,
		      const char *name, struct source_node **node, struct stat *st);

/* Adds a reference of this process, which does not outlive it. */
void source_get(struct source *source, struct source_node *node);

/* Gives it back. Without any reference the node is destroyed. */
void source_put(struct source *source, struct source_node *node);

/* The same for references of the kernel's, which lookups add. */
void source_forget(struct source *source, struct source_node *node, uint64_t lookups);

/*
 * Adds the nodes that an earlier process has recorded. 0 or -ENOMEM. Until
 * source_restore_end() they stay without references, too.
 */
int source_restore(struct source *source);
void source_restore_end(struct source *source);

/* Returns a new O_PATH fd of the node's inode, which may be a symlink or a device. */
int source_open(struct source *source, struct source_node *node);

/* Returns a new fd of the directory, for reading its entries. */
int source_open_directory(struct source *source, struct source_node *node);

/* Returns a new fd of the file, for reading. -EACCES if it is not a regular file. */
int source_open_file(struct source *source, struct source_node *node);

/*
 * fstat(2) of @fd, with an inode number of the source's own. Files have all their
 * blocks, since tools read a file that looks sparse in their own ways.
 */
int source_stat(struct source *source, int fd, struct stat *st);

/* The number shown for the inode @ino of the filesystem @dev. */
ino_t source_inode_number(const struct source *source, dev_t dev, ino_t ino);

int source_statfs(struct source *source, struct statvfs *st);

/* getxattr(2) and listxattr(2) of @fd: user.* and the access lists only. */
ssize_t source_getxattr(struct source *source, int fd, const char *name, void *value, size_t size);
ssize_t source_listxattr(struct source *source, int fd, char *names, size_t size);

#endif
