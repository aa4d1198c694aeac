// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/loop.h"

#include "fs/admission.h"
#include "fs/dispatch.h"
#include "util/clock.h"
#include "util/math.h"
#include "util/scope.h"
#include "util/thread.h"

#include <linux/fuse.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>

/* Threads that start, and those that may wait for requests at a time. */
enum { THREADS_FIRST = 8, THREADS_IDLE = 10 };

/* The part of a control group's memory that the buffers of threads may take. */
#define BUFFERS_PART 8

#define BUFFER_BYTES (LOOP_MAX_WRITE + 4096)

/* Interrupts the read of a thread. Its handler does nothing. */
#define WAKE_SIGNAL  SIGUSR1
#define WAKE_SECONDS 0.02

struct worker {
	struct loop *loop;
	pthread_t thread;
	char *buffer;
	bool started; /* and to be joined */
	bool over;
};

struct loop {
	struct fs *fs;
	struct fuse_session *session; /* of @fs */
	int done;		      /* eventfd: the loop is to end */
	pthread_mutex_t lock;
	bool stopping;
	int error;
	unsigned alive, idle, most; /* threads */
	struct admission admission;
	struct worker worker[ADMISSION_THREADS];
};

/* --- threads ------------------------------------------------------------------------ */

static void end(struct loop *loop, int error)
{
	const uint64_t one = 1;

	loop->stopping = true;
	if (!loop->error)
		loop->error = error;
	(void)!write(loop->done, &one, sizeof(one));
}

static void *work(void *context);

/* Returns a slot without a running thread, or NULL. */
static struct worker *find_slot(struct loop *loop)
{
	for (size_t i = 0; i < ADMISSION_THREADS; i++) {
		struct worker *worker = &loop->worker[i];

		if (worker->started && worker->over) {
			pthread_join(worker->thread, NULL);
			free(worker->buffer);
			worker->started = false;
		}
		if (!worker->started)
			return worker;
	}
	return NULL;
}

/* loop->lock is held. */
static int start_worker(struct loop *loop)
{
	struct worker *worker = loop->alive < loop->most ? find_slot(loop) : NULL;

	if (!worker)
		return -EAGAIN;
	*worker = (struct worker){.loop = loop, .buffer = malloc(BUFFER_BYTES)};
	if (!worker->buffer)
		return -ENOMEM;
	const int error = thread_start(&worker->thread, work, worker);

	if (error) {
		free(worker->buffer);
		return error;
	}
	worker->started = true;
	loop->alive++;
	loop->idle++;
	return 0;
}

static unsigned number_of(const struct worker *worker)
{
	return (unsigned)(worker - worker->loop->worker);
}

/* The worker has read a request. Returns false if the request has to wait. */
static bool may_serve(struct worker *worker, size_t size)
{
	struct loop *loop = worker->loop;
	guard(mutex)(&loop->lock);

	if (!admission_enter(&loop->admission, number_of(worker), worker->buffer, size))
		return false;
	if (--loop->idle == 0 && !loop->stopping)
		start_worker(loop);
	return true;
}

/* Returns the size of the worker's next request, if one that has waited may start now. */
static size_t finish_request(struct worker *worker)
{
	struct loop *loop = worker->loop;
	guard(mutex)(&loop->lock);
	const size_t size = admission_leave(&loop->admission, number_of(worker), worker->buffer);

	loop->idle += !size;
	return size;
}

static void serve(struct worker *worker, size_t size)
{
	do {
		const struct fuse_buf buffer = {.mem = worker->buffer, .size = size};

		if (!dispatch_give_back(worker->loop->fs, worker->buffer))
			fuse_session_process_buf(worker->loop->session, &buffer);
		size = finish_request(worker);
	} while (size);
}

/* Returns the size of the request, or -errno. */
static ssize_t read_request(struct worker *worker)
{
	const int device = fuse_session_fd(worker->loop->session);
	const ssize_t size = read(device, worker->buffer, BUFFER_BYTES);

	return size < 0 ? -errno : size;
}

static bool is_needed(struct worker *worker)
{
	struct loop *loop = worker->loop;
	guard(mutex)(&loop->lock);

	if (!loop->stopping && loop->idle <= THREADS_IDLE)
		return true;
	loop->idle--;
	loop->alive--;
	worker->over = true;
	return false;
}

static void end_all(struct worker *worker, int error)
{
	struct loop *loop = worker->loop;
	guard(mutex)(&loop->lock);

	/* ENODEV: the mount is gone. */
	end(loop, error == -ENODEV ? 0 : error);
}

static void *work(void *context)
{
	struct worker *worker = context;
	sigset_t wake;

	sigemptyset(&wake);
	sigaddset(&wake, WAKE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
	while (is_needed(worker)) {
		const ssize_t size = read_request(worker);

		/* ENOENT: the request was interrupted before it was read. */
		if (size == -EINTR || size == -EAGAIN || size == -ENOENT)
			continue;
		if (size < (ssize_t)sizeof(struct fuse_in_header))
			end_all(worker, size < 0 ? (int)size : -EIO);
		else if (may_serve(worker, (size_t)size))
			serve(worker, (size_t)size);
	}
	return NULL;
}

/* --- the loop ------------------------------------------------------------------------ */

static int start_workers(struct loop *loop)
{
	int error = 0;
	guard(mutex)(&loop->lock);

	while (!error && loop->alive < THREADS_FIRST)
		error = start_worker(loop);
	return error;
}

/* A signal's handler must run between the check and the wait, or during the wait. */
static void wait_for_end(struct loop *loop)
{
	struct pollfd done = {.fd = loop->done, .events = POLLIN};
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (!fuse_session_exited(loop->session) && ppoll(&done, 1, NULL, &before) <= 0)
		;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The signal may come just before the read, so it is repeated. */
static void wake_until_over(struct worker *worker)
{
	struct timespec until;

	do {
		pthread_kill(worker->thread, WAKE_SIGNAL);
		until = clock_in(CLOCK_REALTIME, WAKE_SECONDS);
	} while (pthread_timedjoin_np(worker->thread, NULL, &until) == ETIMEDOUT);
}

static void stop_workers(struct loop *loop)
{
	{
		guard(mutex)(&loop->lock);
		end(loop, 0);
	}
	for (size_t i = 0; i < ADMISSION_THREADS; i++) {
		struct worker *worker = &loop->worker[i];

		if (!worker->started)
			continue;
		wake_until_over(worker);
		free(worker->buffer);
	}
}

static unsigned most_threads(const struct cgroup *cgroup)
{
	if (!cgroup->count)
		return ADMISSION_THREADS;
	const uint64_t fit = cgroup->limit / BUFFERS_PART / BUFFER_BYTES;

	return (unsigned)min_u64(max_u64(fit, THREADS_FIRST), ADMISSION_THREADS);
}

static void ignore(int signal)
{
	(void)signal;
}

int loop_run(struct fs *fs)
{
	const struct sigaction wake = {.sa_handler = ignore};

	sigaction(WAKE_SIGNAL, &wake, NULL);
	scope(free) struct loop *loop = calloc(1, sizeof(*loop));
	scope(fd) int done = eventfd(0, EFD_CLOEXEC);

	if (!loop || done < 0)
		return -ENOMEM;
	loop->fs = fs;
	loop->session = fs->session;
	loop->done = done;
	loop->most = most_threads(&fs->quota.cgroup);
	admission_init(&loop->admission, loop->most, (size_t)loop->most * BUFFER_BYTES);
	pthread_mutex_init(&loop->lock, NULL);
	const int error = start_workers(loop);

	if (!error)
		wait_for_end(loop);
	stop_workers(loop);
	admission_finish(&loop->admission);
	fuse_session_exit(fs->session);
	pthread_mutex_destroy(&loop->lock);
	return error ? error : loop->error;
}
