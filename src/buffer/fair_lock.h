/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lock that many share or one has alone. glibc's default would let a stream
 * of sharers keep the one out for ever; this lets no new one in while it waits,
 * so a thread must not take it twice.
 */
#ifndef BUFFER_FAIR_LOCK_H
#define BUFFER_FAIR_LOCK_H

#include <pthread.h>

static inline void fair_lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
}

#endif
