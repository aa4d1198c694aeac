/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directories used last stay open: nearly every request names one, and
 * finding it by its handle costs more than what is then done in it.
 */
#ifndef TREE_DIRS_H
#define TREE_DIRS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct node;
struct tree;

#define DIRS_KEPT 16

struct dirs {
	pthread_mutex_t lock; /* nothing is locked while it is held */
	uint64_t clock;
	struct dirs_slot {
		uint64_t ino; /* 0: none */
		int fd; /* O_PATH */
		unsigned users;
		uint64_t last; /* use, by the clock */
	} slots[DIRS_KEPT];
};

/* A directory in use: O_PATH, or -errno. Ends with scope(dir). */
struct dir {
	int fd;
	struct dirs *dirs;
	struct dirs_slot *slot; /* NULL: the fd is not kept */
	bool lent; /* the root's, which the tree has anyway */
};

struct dir dir_open(struct tree *tree, const struct node *node);
void dir_close(struct dir *dir);

/* For the tree. What is kept of a directory would keep it alive: drop it. */
void dirs_drop(struct dirs *dirs, uint64_t ino);
void dirs_init(struct dirs *dirs);
void dirs_finish(struct dirs *dirs);

static inline void scope_dir(struct dir *dir)
{
	dir_close(dir);
}

#endif
