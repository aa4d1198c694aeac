// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/dir_cache.h"

#include "tree/node.h"
#include "util/scope.h"

#include <fcntl.h>

static struct dir_slot *find(struct dir_cache *cache, uint64_t ino)
{
	for (unsigned i = 0; i < DIR_CACHE_SIZE; i++)
		if (cache->slots[i].ino == ino)
			return &cache->slots[i];
	return NULL;
}

static void use(struct dir_cache *cache, struct dir_slot *slot)
{
	slot->users++;
	slot->last_use = ++cache->clock;
}

/* Returns the slot that was idle for longest, or NULL if all are in use. */
static struct dir_slot *find_idle(struct dir_cache *cache)
{
	struct dir_slot *oldest = NULL, *const end = cache->slots + DIR_CACHE_SIZE;

	for (struct dir_slot *slot = cache->slots; slot < end; slot++)
		if (!slot->users && (!oldest || slot->last_use < oldest->last_use))
			oldest = slot;
	return oldest;
}

static struct dir_slot *insert(struct dir_cache *cache, uint64_t ino, int fd)
{
	struct dir_slot *slot = find_idle(cache);
	const int before = slot ? slot->fd : -1;

	if (slot) {
		*slot = (struct dir_slot){.ino = ino, .fd = fd};
		use(cache, slot);
	}
	close_fd(before);
	return slot;
}

struct dir dir_open(struct tree *tree, const struct node *node)
{
	struct dir_cache *cache = &tree->dirs;

	if (node->ino == TREE_ROOT)
		return (struct dir){.fd = tree->mount, .is_root = true};
	{
		guard(mutex)(&cache->lock);
		struct dir_slot *slot = find(cache, node->ino);

		if (slot) {
			use(cache, slot);
			return (struct dir){slot->fd, cache, slot, false};
		}
	}
	const int fd = node_open(tree, node, O_PATH | O_DIRECTORY);

	if (fd < 0)
		return (struct dir){.fd = fd};
	guard(mutex)(&cache->lock);
	/* If another thread has inserted it meanwhile, this fd is not cached. */
	struct dir_slot *slot = find(cache, node->ino) ? NULL : insert(cache, node->ino, fd);

	return (struct dir){fd, cache, slot, false};
}

static void clear(struct dir_slot *slot)
{
	close_fd(slot->fd);
	*slot = (struct dir_slot){.fd = -1};
}

void dir_close(struct dir *dir)
{
	if (dir->is_root)
		return;
	if (!dir->slot) {
		close_fd(dir->fd);
		return;
	}
	guard(mutex)(&dir->cache->lock);
	if (--dir->slot->users == 0 && !dir->slot->ino)
		clear(dir->slot);
}

void dir_cache_drop(struct dir_cache *cache, uint64_t ino)
{
	guard(mutex)(&cache->lock);
	struct dir_slot *slot = find(cache, ino);

	if (!slot)
		return;
	slot->ino = 0;
	if (!slot->users)
		clear(slot);
}

void dir_cache_init(struct dir_cache *cache)
{
	pthread_mutex_init(&cache->lock, NULL);
	for (unsigned i = 0; i < DIR_CACHE_SIZE; i++)
		cache->slots[i] = (struct dir_slot){.fd = -1};
}

void dir_cache_finish(struct dir_cache *cache)
{
	for (unsigned i = 0; i < DIR_CACHE_SIZE; i++)
		close_fd(cache->slots[i].fd);
	pthread_mutex_destroy(&cache->lock);
}
