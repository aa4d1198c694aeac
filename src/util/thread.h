/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_THREAD_H
#define UTIL_THREAD_H

#include <pthread.h>

/*
 * pthread_create, with every signal blocked in the new thread and in those that
 * it starts: libfuse waits in the first thread for a signal to interrupt it, and
 * would sleep on where another took it. Returns 0 or -errno.
 */
int thread_start(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
		 void *context);

#endif
