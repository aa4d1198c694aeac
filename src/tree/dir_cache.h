/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cache of open directories. Nearly every request names one, and opening it by its
 * handle takes longer than the operation in it.
 */
#ifndef TREE_DIR_CACHE_H
#define TREE_DIR_CACHE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct node;
struct tree;

#define DIR_CACHE_SIZE 16

struct dir_cache {
	pthread_mutex_t lock; /* a leaf */
	uint64_t clock;
	struct dir_slot {
		uint64_t ino; /* 0: none */
		int fd;	      /* O_PATH */
		unsigned users;
		uint64_t last_use; /* by the clock */
	} slots[DIR_CACHE_SIZE];
};

/* A directory in use. */
struct dir {
	int fd; /* O_PATH, or -errno */
	struct dir_cache *cache;
	struct dir_slot *slot; /* NULL: the fd is not cached */
	bool is_root;	       /* the fd belongs to the tree */
};

/* Opens the directory of @node. scope(dir) closes it. */
struct dir dir_open(struct tree *tree, const struct node *node);
void dir_close(struct dir *dir);

static inline void scope_dir(struct dir *dir)
{
	dir_close(dir);
}

/* For the tree. An fd in the cache would keep a removed directory alive: drop it. */
void dir_cache_drop(struct dir_cache *cache, uint64_t ino);
void dir_cache_init(struct dir_cache *cache);
void dir_cache_finish(struct dir_cache *cache);

#endif
