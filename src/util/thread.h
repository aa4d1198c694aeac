/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_THREAD_H
#define UTIL_THREAD_H

#include <pthread.h>

/*
 * pthread_create() with every signal blocked in the new thread and in threads
 * that it starts. libfuse sleeps in the main thread until a signal interrupts
 * it, so no other thread may take that signal. Returns 0 or -errno.
 */
int thread_start(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
		 void *context);

/* Initialises a condition whose timeouts are of CLOCK_MONOTONIC. */
void condition_init(pthread_cond_t *condition);

#endif
