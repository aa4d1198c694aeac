/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resources that are released when their variable leaves its scope, and the
 * way to hand one over: `return steal_fd(&fd);`.
 */
#ifndef UTIL_SCOPE_H
#define UTIL_SCOPE_H

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define scope(cleaner) __attribute__((cleanup(scope_##cleaner)))

/* Closing must not lose the error that is being reported. */
static inline void close_fd(int fd)
{
	int saved = errno;

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
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

static inline void scope_free(void *p)
{
	free(*(void **)p);
}

static inline pthread_mutex_t *scope_lock(pthread_mutex_t *mutex)
{
	pthread_mutex_lock(mutex);
	return mutex;
}

static inline void scope_unlock(pthread_mutex_t **mutex)
{
	pthread_mutex_unlock(*mutex);
}

/* Holds the mutex to the end of the enclosing block. */
#define with_lock(mutex) \
	__attribute__((unused)) scope(unlock) pthread_mutex_t *held_lock = scope_lock(mutex)

#endif
