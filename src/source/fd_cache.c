// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The inodes looked up last are kept open. The request that follows a lookup then means
 * the same inode, even if another process has replaced the name. An open inode also keeps
 * the space of a removed file in use, so each is closed after a second, by a thread that
 * sleeps while there are none.
 */
#include "source/internal.h"
#include "util/scope.h"
#include "util/thread.h"

#include <fcntl.h>
#include <time.h>

#define LIFETIME_SECONDS 1

/* --- the ring; cache->lock is held ------------------------------------------------ */

static struct fd_cache_entry *oldest(struct fd_cache *cache)
{
	return &cache->ring[cache->first];
}

/* Returns the fd, to be closed without the lock: that may free a removed file. */
static int take(struct fd_cache_entry *entry)
{
	int fd = entry->node ? entry->fd : -1;

	if (entry->node)
		entry->node->cached = NULL;
	entry->node = NULL;
	return fd;
}

static int take_oldest(struct fd_cache *cache)
{
	int fd = take(oldest(cache));

	cache->first = (cache->first + 1) % FD_CACHE_SIZE;
	cache->count--;
	return fd;
}

static void push(struct fd_cache *cache, struct source_node *node, int fd)
{
	struct fd_cache_entry *entry = &cache->ring[(cache->first + cache->count) % FD_CACHE_SIZE];

	*entry = (struct fd_cache_entry){.node = node, .fd = fd};
	clock_gettime(CLOCK_MONOTONIC, &entry->until);
	entry->until.tv_sec += LIFETIME_SECONDS;
	node->cached = entry;
	if (cache->count++ == 0)
		pthread_cond_signal(&cache->changed);
}

/* --- the cache --------------------------------------------------------------------- */

void fd_cache_insert(struct fd_cache *cache, struct source_node *node, int fd)
{
	int before = -1, full = -1;

	{
		guard(mutex)(&cache->lock);
		if (!cache->running) {
			before = fd;
		} else {
			if (node->cached)
				before = take(node->cached);
			if (cache->count == FD_CACHE_SIZE)
				full = take_oldest(cache);
			push(cache, node, fd);
		}
	}
	close_fd(before);
	close_fd(full);
}

int fd_cache_open(struct fd_cache *cache, const struct source_node *node)
{
	guard(mutex)(&cache->lock);
	if (!node->cached)
		return -ENOENT;
	int fd = fcntl(node->cached->fd, F_DUPFD_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

void fd_cache_remove(struct fd_cache *cache, struct source_node *node)
{
	int fd = -1;

	{
		guard(mutex)(&cache->lock);
		if (node->cached)
			fd = take(node->cached);
	}
	close_fd(fd);
}

/* --- the thread ------------------------------------------------------------------ */

static bool has_expired(const struct fd_cache *cache, const struct fd_cache_entry *entry)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return !cache->running || now.tv_sec > entry->until.tv_sec ||
	       (now.tv_sec == entry->until.tv_sec && now.tv_nsec >= entry->until.tv_nsec);
}

static void *close_in_time(void *context)
{
	struct fd_cache *cache = context;

	pthread_mutex_lock(&cache->lock);
	while (cache->running || cache->count) {
		if (!cache->count) {
			pthread_cond_wait(&cache->changed, &cache->lock);
		} else if (has_expired(cache, oldest(cache))) {
			int fd = take_oldest(cache);

			pthread_mutex_unlock(&cache->lock);
			close_fd(fd);
			pthread_mutex_lock(&cache->lock);
		} else {
			const struct timespec until = oldest(cache)->until;

			pthread_cond_timedwait(&cache->changed, &cache->lock, &until);
		}
	}
	pthread_mutex_unlock(&cache->lock);
	return NULL;
}

void fd_cache_init(struct fd_cache *cache)
{
	pthread_mutex_init(&cache->lock, NULL);
	condition_init(&cache->changed);
}

int fd_cache_start(struct fd_cache *cache)
{
	guard(mutex)(&cache->lock);
	int error = thread_start(&cache->thread, close_in_time, cache);

	cache->running = !error;
	return error;
}

void fd_cache_finish(struct fd_cache *cache)
{
	bool running;

	{
		guard(mutex)(&cache->lock);
		running = cache->running;
		cache->running = false;
		pthread_cond_signal(&cache->changed);
	}
	if (running)
		pthread_join(cache->thread, NULL);
	pthread_cond_destroy(&cache->changed);
	pthread_mutex_destroy(&cache->lock);
}
