// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/node.h"

#include "util/scope.h"

#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

/* The root is never forgotten. */
#define ROOT_LOOKUPS (UINT64_MAX / 2)

struct handle {
	struct file_handle head;
	unsigned char bytes[NODE_HANDLE_BYTES];
};

static int compare(const void *a, const void *b)
{
	const struct node *left = a, *right = b;

	return left->ino < right->ino ? -1 : left->ino > right->ino;
}

static struct node *find_locked(struct tree *tree, uint64_t ino)
{
	const struct node key = {.ino = ino};
	struct node **found = tfind(&key, &tree->by_ino, compare);

	return found ? *found : NULL;
}

struct node *node_find(struct tree *tree, uint64_t ino)
{
	with_lock(&tree->lock);
	return find_locked(tree, ino);
}

void node_destroy(struct node *node)
{
	close_fd(node->pin);
	pthread_mutex_destroy(&node->lock);
	free(node);
}

/* How the inode is found again: its handle, or an fd where that can't be. */
static int remember(struct tree *tree, struct node *node, int dirfd, const char *name)
{
	const int empty = *name ? 0 : AT_EMPTY_PATH;

	if (!tree->handles) {
		node->pin = *name ? openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)
				  : fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
		return node->pin < 0 ? -errno : 0;
	}
	struct handle handle = {.head.handle_bytes = sizeof(handle.bytes)};
	int mount;

	if (name_to_handle_at(dirfd, name, &handle.head, &mount, empty))
		return -errno;
	node->handle_type = handle.head.handle_type;
	node->handle_bytes = handle.head.handle_bytes;
	memcpy(node->handle, handle.head.f_handle, node->handle_bytes);
	return 0;
}

static int new_node(struct tree *tree, int dirfd, const char *name, const struct stat *st,
		    struct node **node)
{
	struct node *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	*new = (struct node){.ino = st->st_ino, .is_dir = S_ISDIR(st->st_mode), .pin = -1};
	pthread_mutex_init(&new->lock, NULL);
	int error = remember(tree, new, dirfd, name);

	if (!error && !tsearch(new, &tree->by_ino, compare))
		error = -ENOMEM;
	if (error) {
		node_destroy(new);
		return error;
	}
	tree->nodes++;
	*node = new;
	return 0;
}

int node_look_up(struct tree *tree, int dirfd, const char *name, struct node **node,
		 struct stat *st)
{
	int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);

	if (fstatat(dirfd, name, st, flags))
		return -errno;
	with_lock(&tree->lock);
	*node = find_locked(tree, st->st_ino);
	if (!*node) {
		int error = new_node(tree, dirfd, name, st, node);

		if (error)
			return error;
	}
	(*node)->lookups++;
	return 0;
}

static int open_handle(int mount, const struct node *node, int flags)
{
	struct handle handle = {
		.head.handle_type = node->handle_type,
		.head.handle_bytes = node->handle_bytes,
	};

	memcpy(handle.head.f_handle, node->handle, node->handle_bytes);
	int fd = open_by_handle_at(mount, &handle.head, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int reopen(int pin, int flags)
{
	char path[32];
	int fd;

	if (flags & O_PATH) {
		fd = fcntl(pin, F_DUPFD_CLOEXEC, 0);
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", pin);
		fd = open(path, flags | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

int node_open(struct tree *tree, const struct node *node, int flags)
{
	return tree->handles ? open_handle(tree->mount, node, flags) : reopen(node->pin, flags);
}

/* Without handles there is no way to it but by the mount where it was found. */
int node_open_read_only(struct tree *tree, const struct node *node)
{
	if (!tree->handles || tree->read_only < 0)
		return -ENOTSUP;
	return open_handle(tree->read_only, node, O_RDONLY);
}

static bool has_no_name_left(struct tree *tree, const struct node *node)
{
	scope(fd) int fd = node_open(tree, node, O_PATH);
	struct stat st;

	return fd < 0 || fstat(fd, &st) || st.st_nlink == 0;
}

bool node_forget(struct tree *tree, struct node *node, uint64_t lookups)
{
	with_lock(&tree->lock);
	node->lookups -= lookups;
	if (node->lookups || (node->buffer && !has_no_name_left(tree, node)))
		return false;
	tdelete(node, &tree->by_ino, compare);
	tree->nodes--;
	if (node->is_dir)
		dirs_drop(&tree->dirs, node->ino);
	return true;
}

void node_destroy_all(struct tree *tree, void (*end)(struct node *node))
{
	tdestroy(tree->by_ino, (void (*)(void *))end);
	tree->by_ino = NULL;
	tree->nodes = 0;
}

void node_pin(struct tree *tree, uint64_t ino, int file)
{
	with_lock(&tree->lock);
	struct node *node = find_locked(tree, ino);

	if (node && node->pin < 0)
		node->pin = fcntl(file, F_DUPFD_CLOEXEC, 0);
}

void node_unpin(struct tree *tree, struct node *node)
{
	with_lock(&tree->lock);
	if (!tree->handles)
		return;
	close_fd(node->pin);
	node->pin = -1;
}

/*
 * Opening by handle wants CAP_DAC_READ_SEARCH, and on newer kernels less:
 * asking is the only way to know.
 */
static bool handles_work(struct tree *tree)
{
	struct node probe = {.pin = -1};

	tree->handles = true;
	if (remember(tree, &probe, tree->mount, ""))
		return false;
	scope(fd) int fd = open_handle(tree->mount, &probe, O_PATH);

	return fd >= 0;
}

int node_add_root(struct tree *tree)
{
	struct node *root;
	struct stat st;

	tree->handles = handles_work(tree);
	int error = node_look_up(tree, tree->mount, "", &root, &st);

	if (!error)
		root->lookups = ROOT_LOOKUPS;
	return error;
}
