// SPDX-License-Identifier: GPL-2.0-or-later
#include "fdpass/import.h"

#include "fdpass/message.h"
#include "util/scope.h"
#include "util/thread.h"

#include <string.h>

struct imports {
	struct fd_server_user user;
	pthread_mutex_t lock;
	pthread_cond_t less;
	unsigned at_work;     /* threads that still use @user */
	bool over;	      /* the last thread frees this */
	uid_t users[IMPORTS]; /* of the threads */
	unsigned count;
};

struct import {
	struct imports *imports;
	int socket;
	uid_t user;
	void *target;
};

struct imports *imports_create(const struct fd_server_user *user)
{
	struct imports *imports = calloc(1, sizeof(*imports));

	if (!imports)
		return NULL;
	imports->user = *user;
	pthread_mutex_init(&imports->lock, NULL);
	pthread_cond_init(&imports->less, NULL);
	return imports;
}

static void free_imports(struct imports *imports)
{
	pthread_mutex_destroy(&imports->lock);
	pthread_cond_destroy(&imports->less);
	free(imports);
}

void imports_destroy(struct imports *imports)
{
	bool last;

	if (!imports)
		return;
	{
		guard(mutex)(&imports->lock);
		while (imports->at_work)
			pthread_cond_wait(&imports->less, &imports->lock);
		imports->over = true;
		last = !imports->count;
	}
	if (last)
		free_imports(imports);
}

static unsigned count_of(const struct imports *imports, uid_t user)
{
	unsigned count = 0;

	for (unsigned i = 0; i < imports->count; i++)
		count += imports->users[i] == user;
	return count;
}

static int enter(struct imports *imports, uid_t user)
{
	guard(mutex)(&imports->lock);
	if (imports->count == IMPORTS || count_of(imports, user) >= IMPORTS_PER_USER)
		return -EAGAIN;
	imports->users[imports->count++] = user;
	imports->at_work++;
	return 0;
}

static void end_work(struct imports *imports)
{
	guard(mutex)(&imports->lock);
	imports->at_work--;
	pthread_cond_signal(&imports->less);
}

static void leave(struct imports *imports, uid_t user)
{
	bool last;
	{
		guard(mutex)(&imports->lock);
		unsigned i = 0;

		while (imports->users[i] != user)
			i++;
		imports->users[i] = imports->users[--imports->count];
		last = imports->over && !imports->count;
	}
	if (last)
		free_imports(imports);
}

static void *run(void *context)
{
	const struct import import = *(struct import *)context;
	struct imports *imports = import.imports;
	const struct fd_server_user *user = &imports->user;

	free(context);
	int fd = message_receive_fd(import.socket);
	int error = fd < 0 ? fd : user->import(user->context, import.target, fd);

	user->release(user->context, import.target);
	message_answer(import.socket, error, -1);
	end_work(imports);
	/* This may block for ever. */
	close_fd(fd);
	leave(imports, import.user);
	return NULL;
}

static int start(const struct import *import)
{
	struct import *copy = malloc(sizeof(*copy));
	pthread_attr_t attributes;
	pthread_t thread;

	if (!copy)
		return -ENOMEM;
	*copy = *import;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	int error = thread_start(&thread, &attributes, run, copy);

	pthread_attr_destroy(&attributes);
	if (error)
		free(copy);
	return error;
}

int imports_start(struct imports *imports, int socket, uid_t user, void *target)
{
	const struct import import = {imports, socket, user, target};
	int error = enter(imports, user);

	if (error)
		return error;
	error = start(&import);
	if (error) {
		end_work(imports);
		leave(imports, user);
	}
	return error;
}
