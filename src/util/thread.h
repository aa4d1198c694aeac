/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_THREAD_H
#define UTIL_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <time.h>

/* The stack of a thread. The default may be 8 MiB, and there may be hundreds of threads. */
#define THREAD_STACK (1u << 20)

/* All signals but those of a crash, whose handler must run in the thread that crashes. */
static inline sigset_t thread_signals(void)
{
	static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
	sigset_t signals;

	sigfillset(&signals);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigdelset(&signals, crashes[i]);
	return signals;
}

/*
 * Starts a thread with these signals blocked, and so in threads that it starts. The main
 * thread sleeps until a signal interrupts it, so no other thread may take that signal. The
 * thread is to be joined, unless @thread is NULL. 0 or -errno.
 */
static inline int thread_start(pthread_t *thread, void *(*run)(void *), void *context)
{
	pthread_attr_t attributes;
	pthread_t detached;
	const sigset_t all = thread_signals();
	sigset_t before;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	if (!thread)
		pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const int error = -pthread_create(thread ? thread : &detached, &attributes, run, context);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return error;
}

/* Initialises a condition whose timeouts are of CLOCK_MONOTONIC. */
static inline void condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

/*
 * A read-write lock that does not starve writers, as glibc's default does, and musl's only
 * one. No reader gets in while a writer waits, so a thread must not take it twice.
 */
static inline void fair_rwlock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attributes;

	pthread_rwlockattr_init(&attributes);
#ifdef __GLIBC__
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
	pthread_rwlock_init(lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
}

#endif
