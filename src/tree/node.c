// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/node.h"

#include "state/request.h"
#include "util/fd_path.h"
#include "util/scope.h"

#include <fcntl.h>
#include <search.h>
#include <string.h>

/* The root is never forgotten. */
#define ROOT_LOOKUPS (UINT64_MAX / 2)

/* --- the table -------------------------------------------------------------------- */

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
	guard(mutex)(&tree->lock);
	return find_locked(tree, ino);
}

/* tree->lock is held. */
static void unpin(struct tree *tree, struct node *node)
{
	if (!tree->handles || node->pin < 0)
		return;
	close_fd(steal_fd(&node->pin));
	if (node->record)
		node->record->pin = -1;
	tree->pins--;
}

static void destroy(struct tree *tree, struct node *node)
{
	close_fd(node->pin);
	node_type_destroy(&tree->node_type, node);
}

void node_destroy_all(struct tree *tree)
{
	while (tree->by_ino) {
		struct node *node = *(struct node **)tree->by_ino;

		tdelete(node, &tree->by_ino, compare);
		destroy(tree, node);
	}
	tree->nodes = 0;
}

/* --- opening an inode again ------------------------------------------------------- */

struct handle {
	struct file_handle head;
	unsigned char bytes[NODE_HANDLE_BYTES];
};

/* Stores the inode's handle, or an fd of it if handles do not work here. */
static int remember(struct tree *tree, struct node *node, int dirfd, const char *name)
{
	if (!tree->handles) {
		node->pin = *name ? openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)
				  : fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
		return node->pin < 0 ? -errno : 0;
	}
	struct handle handle = {.head.handle_bytes = sizeof(handle.bytes)};
	int mount;

	if (name_to_handle_at(dirfd, name, &handle.head, &mount, *name ? 0 : AT_EMPTY_PATH))
		return -errno;
	node->handle_type = handle.head.handle_type;
	node->handle_bytes = handle.head.handle_bytes;
	memcpy(node->handle, handle.head.f_handle, node->handle_bytes);
	return 0;
}

static int open_handle(int mount, const struct node *node, int flags)
{
	struct handle handle = {
		.head.handle_type = node->handle_type,
		.head.handle_bytes = node->handle_bytes,
	};

	memcpy(handle.head.f_handle, node->handle, node->handle_bytes);
	if (!(flags & O_PATH))
		return opened_nonblock(
			open_by_handle_at(mount, &handle.head, flags | O_NONBLOCK | O_CLOEXEC));
	const int fd = open_by_handle_at(mount, &handle.head, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int open_pin(int pin, int flags)
{
	if (!(flags & O_PATH))
		return reopen_fd(pin, flags);
	const int fd = fcntl(pin, F_DUPFD_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int node_open(struct tree *tree, const struct node *node, int flags)
{
	return tree->handles ? open_handle(tree->mount, node, flags) : open_pin(node->pin, flags);
}

/* Without handles the inode can be opened only by the mount that it was found on. */
int node_open_read_only(struct tree *tree, const struct node *node)
{
	if (!tree->handles || tree->read_only < 0)
		return -ENOTSUP;
	return open_handle(tree->read_only, node, O_RDONLY);
}

/*
 * Opening by handle needs CAP_DAC_READ_SEARCH, or less on newer kernels. Only a try
 * tells.
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

/* --- lookup and forget ------------------------------------------------------------ */

/* Records the node for the next process. */
static int record(struct tree *tree, struct node *node)
{
	struct node_record *record = table_add(tree->records);

	if (!record)
		return tree->records ? -ENOMEM : 0;
	record->ino = node->ino;
	record->pin = node->pin;
	record->is_dir = node->is_dir;
	record->handle_type = node->handle_type;
	record->handle_bytes = node->handle_bytes;
	memcpy(record->handle, node->handle, node->handle_bytes);
	node->record = record;
	return 0;
}

static int enter(struct tree *tree, struct node *node)
{
	if (!tsearch(node, &tree->by_ino, compare))
		return -ENOMEM;
	tree->nodes++;
	return 0;
}

static int add(struct tree *tree, int dirfd, const char *name, const struct stat *st,
	       struct node **added)
{
	struct node *node = node_type_create(&tree->node_type);

	if (!node)
		return -ENOMEM;
	node->ino = st->st_ino;
	node->is_dir = S_ISDIR(st->st_mode);
	node->pin = -1;
	const int error =
		remember(tree, node, dirfd, name) ?: record(tree, node) ?: enter(tree, node);

	if (error) {
		table_remove(tree->records, node->record);
		destroy(tree, node);
		return error;
	}
	record_publish(node->record);
	*added = node;
	return 0;
}

struct node *node_restore(struct tree *tree, struct node_record *record)
{
	struct node *node = node_type_create(&tree->node_type);

	if (!node)
		return NULL;
	node->ino = record->ino;
	node->record = record;
	node->uses = record->lookups + 1;
	node->is_dir = record->is_dir;
	node->pin = record->pin;
	node->handle_type = record->handle_type;
	node->handle_bytes = record->handle_bytes;
	memcpy(node->handle, record->handle, sizeof(node->handle));
	if (enter(tree, node)) {
		destroy(tree, node);
		return NULL;
	}
	tree->pins += tree->handles && node->pin >= 0;
	return node;
}

/* A change of the kernel's references. tree->lock is held. */
static void count_lookups(struct node *node, int64_t delta)
{
	if (node->record)
		request_count(&node->record->lookups, delta);
	node->uses += (uint64_t)delta;
}

int node_look_up(struct tree *tree, int dirfd, const char *name, struct node **node,
		 struct stat *st)
{
	if (fstatat(dirfd, name, st, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH)))
		return -errno;
	guard(mutex)(&tree->lock);
	*node = find_locked(tree, st->st_ino);
	const int error = *node ? 0 : add(tree, dirfd, name, st, node);

	if (!error)
		count_lookups(*node, 1);
	return error;
}

void node_get(struct tree *tree, struct node *node)
{
	guard(mutex)(&tree->lock);
	node->uses++;
}

bool node_has_name(struct tree *tree, const struct node *node)
{
	scope(fd) int fd = node_open(tree, node, O_PATH);
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && st.st_nlink;
}

/* Removes the node from the table if it is unused. tree->lock is held. */
static bool remove_unused(struct tree *tree, struct node *node)
{
	if (node->uses || (node->has_data && node_has_name(tree, node)))
		return false;
	tdelete(node, &tree->by_ino, compare);
	tree->nodes--;
	if (node->is_dir)
		dir_cache_drop(&tree->dirs, node->ino);
	unpin(tree, node);
	return true;
}

/* Without the lock: freeing the file's memory takes time. */
static void destroy_removed(struct tree *tree, struct node *node)
{
	struct node_record *record = node->record;

	destroy(tree, node);
	table_remove(tree->records, record);
}

void node_put(struct tree *tree, struct node *node)
{
	bool removed;
	{
		guard(mutex)(&tree->lock);
		node->uses--;
		removed = remove_unused(tree, node);
	}
	if (removed)
		destroy_removed(tree, node);
}

void node_forget(struct tree *tree, struct node *node, uint64_t lookups)
{
	bool removed;
	{
		guard(mutex)(&tree->lock);
		count_lookups(node, -(int64_t)lookups);
		removed = remove_unused(tree, node);
	}
	if (removed)
		destroy_removed(tree, node);
}

void node_pin(struct tree *tree, struct node *node, int file)
{
	guard(mutex)(&tree->lock);
	if (node->pin >= 0 || tree->pins >= tree->pins_limit)
		return;
	node->pin = fcntl(file, F_DUPFD_CLOEXEC, 0);
	if (node->pin >= 0)
		tree->pins++;
	if (node->record)
		node->record->pin = node->pin;
}

void node_unpin(struct tree *tree, struct node *node)
{
	guard(mutex)(&tree->lock);
	unpin(tree, node);
}

int node_add_root(struct tree *tree)
{
	struct node *root;
	struct stat st;

	tree->handles = handles_work(tree);
	const int error = node_look_up(tree, tree->mount, "", &root, &st);

	if (!error)
		root->uses = ROOT_LOOKUPS;
	return error;
}

int node_restore_root(struct tree *tree)
{
	struct node_record *record = NULL;
	struct node *root;

	while ((record = table_next(tree->records, record)) && record->ino != TREE_ROOT)
		;
	root = record ? node_restore(tree, record) : NULL;
	if (!root)
		return record ? -ENOMEM : -EINVAL;
	root->uses = ROOT_LOOKUPS;
	return 0;
}
