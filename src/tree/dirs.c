// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/dirs.h"

#include "tree/node.h"
#include "util/scope.h"

#include <fcntl.h>

static struct dirs_slot *find(struct dirs *dirs, uint64_t ino)
{
	for (unsigned i = 0; i < DIRS_KEPT; i++)
		if (dirs->slots[i].ino == ino)
			return &dirs->slots[i];
	return NULL;
}

static void use(struct dirs *dirs, struct dirs_slot *slot)
{
	slot->users++;
	slot->last = ++dirs->clock;
}

/* The slot that was idle for longest, or NULL when all are in use. */
static struct dirs_slot *find_idle(struct dirs *dirs)
{
	struct dirs_slot *oldest = NULL;

	for (struct dirs_slot *slot = dirs->slots; slot < dirs->slots + DIRS_KEPT; slot++)
		if (!slot->users && (!oldest || slot->last < oldest->last))
			oldest = slot;
	return oldest;
}

static struct dirs_slot *keep(struct dirs *dirs, uint64_t ino, int fd)
{
	struct dirs_slot *slot = find_idle(dirs);
	const int before = slot ? slot->fd : -1;

	if (slot) {
		*slot = (struct dirs_slot){.ino = ino, .fd = fd};
		use(dirs, slot);
	}
	close_fd(before);
	return slot;
}

struct dir dir_open(struct tree *tree, const struct node *node)
{
	struct dirs *dirs = &tree->dirs;

	if (node->ino == TREE_ROOT)
		return (struct dir){.fd = tree->mount, .lent = true};
	{
		with_lock(&dirs->lock);
		struct dirs_slot *slot = find(dirs, node->ino);

		if (slot) {
			use(dirs, slot);
			return (struct dir){slot->fd, dirs, slot, false};
		}
	}
	const int fd = node_open(tree, node, O_PATH | O_DIRECTORY);

	if (fd < 0)
		return (struct dir){.fd = fd};
	with_lock(&dirs->lock);
	/* Another thread may have come first; then this one's is not kept. */
	struct dirs_slot *slot = find(dirs, node->ino) ? NULL : keep(dirs, node->ino, fd);

	return (struct dir){fd, dirs, slot, false};
}

static void clear(struct dirs_slot *slot)
{
	close_fd(slot->fd);
	*slot = (struct dirs_slot){.fd = -1};
}

void dir_close(struct dir *dir)
{
	if (dir->lent)
		return;
	if (!dir->slot) {
		close_fd(dir->fd);
		return;
	}
	with_lock(&dir->dirs->lock);
	if (--dir->slot->users == 0 && !dir->slot->ino)
		clear(dir->slot);
}

void dirs_drop(struct dirs *dirs, uint64_t ino)
{
	with_lock(&dirs->lock);
	struct dirs_slot *slot = find(dirs, ino);

	if (!slot)
		return;
	slot->ino = 0;
	if (!slot->users)
		clear(slot);
}

void dirs_init(struct dirs *dirs)
{
	pthread_mutex_init(&dirs->lock, NULL);
	for (unsigned i = 0; i < DIRS_KEPT; i++)
		dirs->slots[i] = (struct dirs_slot){.fd = -1};
}

void dirs_finish(struct dirs *dirs)
{
	for (unsigned i = 0; i < DIRS_KEPT; i++)
		close_fd(dirs->slots[i].fd);
	pthread_mutex_destroy(&dirs->lock);
}
