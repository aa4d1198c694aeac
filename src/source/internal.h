/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of a source, for the files of src/source only. */
#ifndef SOURCE_INTERNAL_H
#define SOURCE_INTERNAL_H

#include "source/source.h"

#include <pthread.h>

/* The most inodes kept open at a time. */
#define FD_CACHE_SIZE 128

struct fd_cache_entry {
	struct source_node *node; /* NULL: removed already */
	int fd;			  /* O_PATH */
	struct timespec until;
};

/* A ring, in the order in which the entries expire. */
struct fd_cache {
	pthread_mutex_t lock; /* a leaf */
	pthread_cond_t changed;
	pthread_t thread;
	bool running;
	struct fd_cache_entry ring[FD_CACHE_SIZE];
	unsigned first, count;
};

struct source {
	/*
	 * The directory as it was opened, O_PATH. While it is open, umount(8) says that
	 * the filesystem is busy. With the private mount alone, umount would succeed and
	 * the filesystem stay in use.
	 */
	int origin;
	int root;  /* the private mount, O_PATH */
	dev_t dev; /* of the root */
	bool show_acls;
	struct node_type node_type;
	struct table *records;
	struct source_record *root_record; /* NULL: nothing is kept */

	/* Guards the tables, and names, parents and uses of nodes. Taken last. */
	pthread_mutex_t lock;
	void *by_id;
	void *by_identity;
	uint64_t last_id;

	struct fd_cache fds;
};

/* mount.c: opens source->origin and source->root. */
int source_mount(struct source *source, const struct source_options *options, char why[static 256]);

/*
 * mount.c: opens @path with O_PATH. @path may be longer than PATH_MAX, and leads neither
 * out of @dirfd nor through a symlink. If it ends in a symlink, that is opened. Nothing
 * else opens files of the source by name.
 */
int source_walk(int dirfd, const char *path);

/* attr.c: the identity of @fd's inode, and its attributes as source_stat() shows them. */
int source_identify(const struct source *source, int fd, struct source_identity *identity,
		    struct stat *st);

/*
 * fd_cache.c: nothing is cached before fd_cache_start(). fd_cache_insert() takes @fd
 * over; fd_cache_open() returns a duplicate, or -ENOENT.
 */
void fd_cache_init(struct fd_cache *cache);
int fd_cache_start(struct fd_cache *cache);
void fd_cache_finish(struct fd_cache *cache);
void fd_cache_insert(struct fd_cache *cache, struct source_node *node, int fd);
int fd_cache_open(struct fd_cache *cache, const struct source_node *node);
void fd_cache_remove(struct fd_cache *cache, struct source_node *node);

#endif
