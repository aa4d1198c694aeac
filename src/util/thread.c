// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/thread.h"

#include <signal.h>
#include <time.h>

int thread_start(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
		 void *context)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = -pthread_create(thread, attributes, run, context);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

void condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}
