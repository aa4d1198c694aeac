// SPDX-License-Identifier: GPL-2.0-or-later
/* The nodes: found by what they are and by their id, and where they are. */
#include "util/scope.h"
#include "view/inside.h"

#include <fcntl.h>
#include <search.h>
#include <string.h>

/* --- tables; view->lock is held ------------------------------------------------ */

static int order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_ids(const void *a, const void *b)
{
	const struct view_node *left = a, *right = b;

	return order(left->id, right->id);
}

static int compare_identities(const void *a, const void *b)
{
	const struct view_identity *left = &((const struct view_node *)a)->identity;
	const struct view_identity *right = &((const struct view_node *)b)->identity;

	return order(left->ino, right->ino)
		       ?: order(left->dev, right->dev)
		       ?: order((uint64_t)left->born.tv_sec, (uint64_t)right->born.tv_sec)
		       ?: order((uint64_t)left->born.tv_nsec, (uint64_t)right->born.tv_nsec);
}

static bool same_identity(const struct view_identity *a, const struct view_identity *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->born.tv_sec == b->born.tv_sec &&
	       a->born.tv_nsec == b->born.tv_nsec;
}

static struct view_node *find_identity(struct view *view, const struct view_identity *identity)
{
	const struct view_node key = {.identity = *identity};
	struct view_node **found = tfind(&key, &view->by_identity, compare_identities);

	return found ? *found : NULL;
}

static void free_node(struct view_node *node)
{
	close_fd(node->file);
	pthread_mutex_destroy(&node->lock);
	free(node->name);
	free(node);
}

static void remove_node(struct view *view, struct view_node *node)
{
	tdelete(node, &view->by_id, compare_ids);
	tdelete(node, &view->by_identity, compare_identities);
	pins_draw(&view->pins, node);
	free_node(node);
}

static bool enter_node(struct view *view, struct view_node *node)
{
	if (!tsearch(node, &view->by_id, compare_ids))
		return false;
	if (tsearch(node, &view->by_identity, compare_identities))
		return true;
	tdelete(node, &view->by_id, compare_ids);
	return false;
}

static struct view_node *add_node(struct view *view, const struct view_identity *identity)
{
	struct view_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	*node = (struct view_node){.id = view->last_id + 1, .identity = *identity, .file = -1};
	pthread_mutex_init(&node->lock, NULL);
	if (!enter_node(view, node)) {
		free_node(node);
		return NULL;
	}
	view->last_id = node->id;
	return node;
}

static void put_locked(struct view *view, struct view_node *node, uint64_t uses)
{
	/* A directory may have been in use for nothing but this. */
	while (node) {
		struct view_node *parent = node->parent;

		node->uses -= uses;
		if (node->uses)
			return;
		remove_node(view, node);
		node = parent;
		uses = 1;
	}
}

/* --- places; view->lock is held ------------------------------------------------ */

static bool is_at_or_above(const struct view_node *node, const struct view_node *below)
{
	while (below && below != node)
		below = below->parent;
	return below != NULL;
}

static int move_node(struct view *view, struct view_node *node, struct view_node *parent,
		     const char *name)
{
	struct view_node *before = node->parent;

	/* Directories that are being moved can be seen below themselves. */
	if (is_at_or_above(node, parent))
		return -ESTALE;
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	free(node->name);
	node->name = copy;
	node->parent = parent;
	parent->uses++;
	put_locked(view, before, 1);
	return 0;
}

static int place_node(struct view *view, struct view_node *node, struct view_node *parent,
		      const char *name)
{
	if (node->parent == parent && !strcmp(node->name, name))
		return 0;
	return move_node(view, node, parent, name);
}

static size_t path_length(const struct view_node *node)
{
	size_t length = 0;

	for (; node->parent; node = node->parent)
		length += strlen(node->name) + 1;
	return length;
}

/* "a/b/c" below the root, and "." for the root itself; NULL without memory. */
static char *path_of(struct view *view, const struct view_node *node)
{
	with_lock(&view->lock);
	if (!node->parent)
		return strdup(".");
	size_t at = path_length(node);
	char *path = malloc(at);

	if (!path)
		return NULL;
	for (char end = '\0'; node->parent; node = node->parent, end = '/') {
		const size_t length = strlen(node->name);

		path[--at] = end;
		at -= length;
		memcpy(path + at, node->name, length);
	}
	return path;
}

/* --- what others call ---------------------------------------------------------- */

struct view_node *view_find(struct view *view, uint64_t id)
{
	const struct view_node key = {.id = id};

	with_lock(&view->lock);
	struct view_node **found = tfind(&key, &view->by_id, compare_ids);

	return found ? *found : NULL;
}

/* All that can become of a name, other than that the inode is still there. */
static int stale(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -ELOOP:
	case -EXDEV:
		return -ESTALE;
	default:
		return error;
	}
}

static int open_by_path(struct view *view, struct view_node *node)
{
	scope(free) char *path = path_of(view, node);
	scope(fd) int fd = path ? walk_below(view->root, path, 0) : -ENOMEM;
	struct view_identity identity;
	struct stat st;

	if (fd < 0)
		return stale(fd);
	int error = inode_identify(view, fd, &identity, &st);

	if (error)
		return error;
	return same_identity(&identity, &node->identity) ? steal_fd(&fd) : -ESTALE;
}

static int open_found(struct view *view, struct view_node *node)
{
	int fd = pins_open(&view->pins, node);

	return fd == -ENOENT ? open_by_path(view, node) : fd;
}

int view_open(struct view *view, struct view_node *node)
{
	{
		/* What is open need not have a name any more. */
		with_lock(&node->lock);
		if (node->file >= 0) {
			int fd = fcntl(node->file, F_DUPFD_CLOEXEC, 0);

			return fd < 0 ? -errno : fd;
		}
	}
	return open_found(view, node);
}

int view_open_directory(struct view *view, struct view_node *node)
{
	scope(fd) int fd = open_by_path(view, node);

	if (fd < 0)
		return fd;
	int directory = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return directory < 0 ? -errno : directory;
}

int view_stat(struct view *view, struct view_node *node, struct stat *st)
{
	scope(fd) int fd = view_open(view, node);
	struct view_identity identity;

	return fd < 0 ? fd : inode_identify(view, fd, &identity, st);
}

static int look_up(struct view *view, struct view_node *parent, const char *name, int fd,
		   struct view_node **found, struct stat *st)
{
	struct view_identity identity;
	int error = fd < 0 ? fd : inode_identify(view, fd, &identity, st);

	if (error)
		return error;
	with_lock(&view->lock);
	struct view_node *node = find_identity(view, &identity) ?: add_node(view, &identity);

	if (!node)
		return -ENOMEM;
	node->uses++;
	error = place_node(view, node, parent, name);
	if (error)
		put_locked(view, node, 1);
	else
		*found = node;
	return error;
}

int view_look_up_at(struct view *view, struct view_node *parent, int dirfd, const char *name,
		    struct view_node **node, struct stat *st)
{
	scope(fd) int fd = walk_below(dirfd, name, 0);

	return look_up(view, parent, name, fd, node, st);
}

int view_look_up(struct view *view, struct view_node *parent, const char *name,
		 struct view_node **node, struct stat *st)
{
	scope(fd) int dirfd = open_by_path(view, parent);
	scope(fd) int fd = dirfd < 0 ? dirfd : walk_below(dirfd, name, 0);
	int error = look_up(view, parent, name, fd, node, st);

	/* A directory is not to be walked from where it may have gone. */
	if (!error && !S_ISDIR(st->st_mode))
		pins_push(&view->pins, *node, steal_fd(&fd));
	return error;
}

void view_put(struct view *view, struct view_node *node, uint64_t uses)
{
	with_lock(&view->lock);
	put_locked(view, node, uses);
}

/* --- open files ---------------------------------------------------------------- */

/* The inode is known to be a file by then: opening others can block, or do things. */
static int open_file(struct view *view, struct view_node *node)
{
	scope(fd) int fd = open_found(view, node);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	/* Without O_NONBLOCK, somebody's lease on his file could hold up all others. */
	int file = open(fd_path(fd).text, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return file < 0 ? -errno : file;
}

static int hold_file(struct view *view, struct view_node *node)
{
	with_lock(&node->lock);
	if (!node->holds) {
		int file = open_file(view, node);

		if (file < 0)
			return file;
		node->file = file;
	}
	node->holds++;
	return 0;
}

int view_hold(struct view *view, struct view_node *node)
{
	int error = hold_file(view, node);

	if (error)
		return error;
	with_lock(&view->lock);
	node->uses++;
	return 0;
}

void view_drop(struct view *view, struct view_node *node, void (*end)(struct view_node *node))
{
	{
		with_lock(&node->lock);
		if (!--node->holds) {
			end(node);
			close_fd(node->file);
			node->file = -1;
		}
	}
	view_put(view, node, 1);
}

/* --- the whole table ------------------------------------------------------------ */

int nodes_begin(struct view *view)
{
	struct view_identity identity;
	struct stat st;
	int error;

	view->last_id = VIEW_ROOT_ID - 1;
	error = inode_identify(view, view->root, &identity, &st);
	if (error)
		return error;
	view->dev = identity.dev;
	struct view_node *root = add_node(view, &identity);

	if (!root)
		return -ENOMEM;
	/* Never forgotten. */
	root->uses = UINT64_MAX / 2;
	return 0;
}

static void leave_alone(struct view_node *node)
{
	(void)node;
}

void nodes_end(struct view *view, void (*end)(struct view_node *node))
{
	tdestroy(view->by_identity, (void (*)(void *))(end ?: leave_alone));
	tdestroy(view->by_id, (void (*)(void *))free_node);
}
