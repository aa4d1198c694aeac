/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A read-only view of a directory of some other filesystem. It knows no FUSE.
 *
 * What is below the directory is reached through a private mount of it that is
 * attached nowhere: read-only, without access times, devices and symlinks, and
 * without the mounts below. Every walk starts at its root and is held beneath
 * it by the kernel, whatever others rename meanwhile.
 *
 * The directory belongs to others, who change it without a word. A node
 * therefore stands for one inode that was found under some name, and is good
 * for as long as it is found there: -ESTALE tells that it isn't any more, and
 * that the name has to be looked up again.
 *
 * Everything returns 0 (or an fd) or -errno.
 */
#ifndef VIEW_VIEW_H
#define VIEW_VIEW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

/* In the id of every node, and in every inode number that the view shows. */
#define VIEW_BIT     (UINT64_C(1) << 63)
#define VIEW_ROOT_ID VIEW_BIT

struct backing;
struct pin;
struct view;

/* What tells an inode from every other that ever was in its place. */
struct view_identity {
	dev_t dev;
	ino_t ino;
	struct timespec born; /* zero where the filesystem does not know */
};

/* A node costs no fd, unless its file is open. */
struct view_node {
	uint64_t id; /* never given twice */
	struct view_identity identity;

	/* view->lock */
	uint64_t uses;		  /* lookups, nodes found in this directory, and file_hold()s */
	struct view_node *parent; /* where it was seen last; the root has none */
	char *name;
	struct pin *pin; /* an fd for a moment, see pins.c; NULL: none */

	/*
	 * The rest is for regular files. Lock order: node->lock, then view->lock.
	 */
	pthread_mutex_t lock;
	unsigned holds;
	int file; /* O_RDONLY while there are holds, else -1 */

	/* Belongs to src/fs. */
	struct backing *backing; /* what the kernel has of the open file; NULL: nothing */
	bool cached;		 /* the opens go through the page cache */
	off_t told_size;	 /* what the kernel believes */
	struct timespec told_change;
	struct view_copied {	   /* the last copy from it, as one may take several requests */
		uint64_t to;	   /* the file */
		off_t end, to_end; /* where it got to in both */
		uint64_t bytes;
		double seconds;
	} copied;
};

struct view_options {
	const char *directory;
	const char *mountpoint; /* what must not show itself */
	bool allow_fuse;
};

/* On failure @why holds one line that says what to do. */
int view_create(struct view **view, const struct view_options *options, char why[static 256]);

/*
 * To be called once threads may be made: what has been looked up then stays
 * for a second what it is, though the name go to something else.
 */
int view_start(struct view *view);

/* Ends all nodes with it, after @end has seen each; that may be NULL, as may @view. */
void view_destroy(struct view *view, void (*end)(struct view_node *node));

/*
 * Whether access lists are told to whoever checks permissions. If not, a file
 * that has one is shown as its owner's alone: the mode's group bits would be
 * no more than the list's mask, and grant what the list does not.
 */
void view_show_acls(struct view *view, bool show);

/* NULL: there is no such node (any more). */
struct view_node *view_find(struct view *view, uint64_t id);

/*
 * Looks @name up in @parent, counts one use, and fills @st as view_stat()
 * does. view_look_up_at() is for who has the directory open as @dirfd.
 */
int view_look_up(struct view *view, struct view_node *parent, const char *name,
		 struct view_node **node, struct stat *st);
int view_look_up_at(struct view *view, struct view_node *parent, int dirfd, const char *name,
		    struct view_node **node, struct stat *st);

/* Takes @uses back; without any, the node is over. */
void view_put(struct view *view, struct view_node *node, uint64_t uses);

/*
 * A new fd of the node's inode, for anything but data: O_PATH, or that of the
 * open file. The inode may be a symlink or a device.
 */
int view_open(struct view *view, struct view_node *node);

/* The directory, for reading its entries. */
int view_open_directory(struct view *view, struct view_node *node);

/*
 * stat(2), but the inode number is one of the view's own, and files have all
 * their blocks: tools that take a file for sparse read it in their own ways.
 */
int view_stat(struct view *view, struct view_node *node, struct stat *st);

/* The number that stands for the inode @ino of the filesystem @dev. */
ino_t view_inode_number(const struct view *view, dev_t dev, ino_t ino);

int view_statfs(struct view *view, struct statvfs *st);

/*
 * Has node->file open until view_drop(), the last of which has @end called while
 * node->lock is held. -EACCES for what is no regular file.
 */
int view_hold(struct view *view, struct view_node *node);
void view_drop(struct view *view, struct view_node *node, void (*end)(struct view_node *node));

/* As getxattr(2) and listxattr(2): user.* and the access lists, nothing else. */
ssize_t view_getxattr(struct view *view, struct view_node *node, const char *name, void *value,
		      size_t size);
ssize_t view_listxattr(struct view *view, struct view_node *node, char *names, size_t size);

#endif
