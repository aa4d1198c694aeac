/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of a view, for the files of src/view alone. */
#ifndef VIEW_INSIDE_H
#define VIEW_INSIDE_H

#include "view/view.h"

#include <stdio.h>

/* As many names as may be looked up at once. */
#define PINS 128

struct pin {
	struct view_node *node; /* NULL: drawn already */
	int fd;			/* O_PATH */
	struct timespec until;
};

/* In the order in which they end. The lock is a leaf. */
struct pins {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool running;
	struct pin ring[PINS];
	unsigned first, count;
};

struct view {
	/*
	 * The directory as it was opened, O_PATH: for as long as it is, umount(8)
	 * says that the filesystem is busy. A private mount alone would keep the
	 * filesystem alive behind an umount that has worked.
	 */
	int origin;
	int root;  /* the private mount, O_PATH */
	dev_t dev; /* of the root */
	bool show_acls;

	/* Guards the tables, and names, parents and uses of nodes. Taken last. */
	pthread_mutex_t lock;
	void *by_id;
	void *by_identity;
	uint64_t last_id;

	struct pins pins;
};

/* A path that names the inode of an fd, O_PATH ones too, while that is open. */
struct fd_path {
	char text[32];
};

static inline struct fd_path fd_path(int fd)
{
	struct fd_path path;

	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}

/*
 * walk.c: O_PATH | @flags of @path, which may be longer than PATH_MAX, and
 * leads neither out of @dirfd nor over a symlink. A last symlink is opened.
 */
int walk_below(int dirfd, const char *path, uint64_t flags);

/* inode.c: what an fd stands for. @st as view_stat() has it. */
int inode_identify(const struct view *view, int fd, struct view_identity *identity,
		   struct stat *st);

/* origin.c: opens view->origin and view->root. */
int origin_open(struct view *view, const struct view_options *options, char why[static 256]);

/*
 * pins.c: without pins_start(), nothing is pinned. pins_push() takes @fd over;
 * pins_open() returns a new one, or -ENOENT.
 */
void pins_init(struct pins *pins);
int pins_start(struct pins *pins);
void pins_finish(struct pins *pins);
void pins_push(struct pins *pins, struct view_node *node, int fd);
int pins_open(struct pins *pins, const struct view_node *node);
void pins_draw(struct pins *pins, struct view_node *node);

/* nodes.c: enters the root, and empties the tables. */
int nodes_begin(struct view *view);
void nodes_end(struct view *view, void (*end)(struct view_node *node));

#endif
