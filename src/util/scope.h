/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resources that are released at the end of a scope:
 *
 *	scope(fd) int file = open(path, O_RDONLY);
 *	guard(mutex)(&tree->lock);
 *
 * `return steal_fd(&file);` hands the descriptor over instead of closing it.
 */
#ifndef UTIL_SCOPE_H
#define UTIL_SCOPE_H

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define scope(cleaner) __attribute__((cleanup(scope_##cleaner)))

/* Closes @fd unless it is negative, and keeps errno. */
static inline void close_fd(int fd)
{
	const int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

static inline void scope_fd(int *fd)
{
	close_fd(*fd);
}

static inline int steal_fd(int *fd)
{
	const int stolen = *fd;

	*fd = -1;
	return stolen;
}

static inline void scope_free(void *p)
{
	free(*(void **)p);
}

#define GUARD_PASTE(a, b) a##b
#define GUARD_NAME(line)  GUARD_PASTE(guard_, line)

/*
 * guard(kind)(object) calls guard_kind(object), which takes a lock and returns
 * the object, and guard_kind_end() at the end of the enclosing block.
 */
/* NOLINTBEGIN(bugprone-macro-parentheses): it ends with the name of a function */
#define guard(kind)                                                                       \
	__attribute__((unused, cleanup(guard_##kind##_end))) void *GUARD_NAME(__LINE__) = \
		guard_##kind
/* NOLINTEND(bugprone-macro-parentheses) */

static inline pthread_mutex_t *guard_mutex(pthread_mutex_t *mutex)
{
	pthread_mutex_lock(mutex);
	return mutex;
}

static inline void guard_mutex_end(void *mutex)
{
	pthread_mutex_unlock(*(pthread_mutex_t **)mutex);
}

#endif
