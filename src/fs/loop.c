// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/loop.h"

#include "fs/admission.h"
#include "fs/dispatch.h"
#include "fs/restore.h"
#include "fs/saved.h"
#include "state/request.h"
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

/* Interrupts the read of a thread. Its handler does nothing. */
#define WAKE_SIGNAL  SIGUSR1
#define WAKE_SECONDS 0.02

struct worker {
	struct loop *loop;
	pthread_t thread;
	struct request *request; /* its slot */
	size_t populated;	 /* bytes of the slot's buffer */
	bool started;		 /* and to be joined */
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
	for (size_t i = 0; i < loop->fs->saved->requests.count; i++) {
		struct worker *worker = &loop->worker[i];

		if (worker->started && worker->over) {
			pthread_join(worker->thread, NULL);
			worker->started = false;
		}
		if (!worker->started)
			return worker;
	}
	return NULL;
}

static unsigned number_of(const struct worker *worker)
{
	return (unsigned)(worker - worker->loop->worker);
}

/* loop->lock is held. */
static int start(struct loop *loop, struct worker *worker)
{
	*worker = (struct worker){.loop = loop};
	worker->request = request_slot_use(&loop->fs->saved->requests, number_of(worker));
	const int error = thread_start(&worker->thread, work, worker);

	if (error)
		return error;
	worker->started = true;
	loop->alive++;
	loop->idle++;
	return 0;
}

/* loop->lock is held. */
static int start_worker(struct loop *loop)
{
	struct worker *worker = loop->alive < loop->most ? find_slot(loop) : NULL;

	return worker ? start(loop, worker) : -EAGAIN;
}

/* The worker is busy from here on. loop->lock is held. */
static void begin_request(struct loop *loop)
{
	if (--loop->idle == 0 && !loop->stopping)
		start_worker(loop);
}

/* The worker has read a request. Returns false if that has to wait. */
static bool may_serve(struct worker *worker)
{
	struct loop *loop = worker->loop;
	guard(mutex)(&loop->lock);

	if (!admission_enter(&loop->admission, number_of(worker), worker->request))
		return false;
	begin_request(loop);
	return true;
}

/* Returns whether the worker has a next request, one that has waited. */
static bool finish_request(struct worker *worker)
{
	struct loop *loop = worker->loop;
	guard(mutex)(&loop->lock);

	admission_leave(&loop->admission, number_of(worker));
	if (admission_next(&loop->admission, number_of(worker), worker->request))
		return true;
	loop->idle++;
	return false;
}

static void serve(struct worker *worker)
{
	do {
		dispatch_request(worker->loop->fs, worker->request);
		request_clear(worker->request);
	} while (finish_request(worker));
}

static void populate(struct worker *worker)
{
	const size_t bytes = worker->loop->fs->request_bytes;

	if (worker->populated >= bytes)
		return;
	request_populate(worker->request, bytes);
	worker->populated = bytes;
}

/* Returns the size of the request, or -errno. */
static ssize_t read_request(struct worker *worker)
{
	const int device = fuse_session_fd(worker->loop->session);

	populate(worker);
	const ssize_t size = read(device, request_buffer(worker->request), LOOP_BUFFER_BYTES);

	return size < 0 ? -errno : size;
}

/* Returns whether an earlier process has left a request, in this slot or for any thread. */
static bool find_left(struct worker *worker)
{
	struct loop *loop = worker->loop;
	guard(mutex)(&loop->lock);

	if (request_size(worker->request))
		admission_go_on(&loop->admission, number_of(worker), worker->request);
	else if (!admission_next(&loop->admission, number_of(worker), worker->request))
		return false;
	begin_request(loop);
	return true;
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
	request_discard(&loop->fs->saved->requests, worker->request);
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
	populate(worker);
	if (find_left(worker))
		serve(worker);
	request_clear(worker->request);
	while (is_needed(worker)) {
		const ssize_t size = read_request(worker);

		/* ENOENT: the request was interrupted before it was read. */
		if (size == -EINTR || size == -EAGAIN || size == -ENOENT)
			continue;
		if (size < (ssize_t)sizeof(struct fuse_in_header))
			end_all(worker, size < 0 ? (int)size : -EIO);
		else if (may_serve(worker))
			serve(worker);
		else
			request_clear(worker->request);
	}
	return NULL;
}

/* --- the loop ------------------------------------------------------------------------ */

/* Some at first, and one for each request that an earlier process has left. */
static int start_workers(struct loop *loop)
{
	const struct requests *requests = &loop->fs->saved->requests;
	int error = 0;
	guard(mutex)(&loop->lock);

	for (unsigned i = 0; i < *requests->used && !error; i++)
		if (request_size(request_slot(requests, i)))
			error = start(loop, &loop->worker[i]);
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
	}
}

static unsigned most_threads(const struct cgroup *cgroup, unsigned slots)
{
	if (!cgroup->count)
		return slots;
	const uint64_t fit = cgroup->limit / BUFFERS_PART / LOOP_BUFFER_BYTES;

	return (unsigned)min_u64(max_u64(fit, THREADS_FIRST), slots);
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
	loop->most = most_threads(&fs->quota.cgroup, fs->saved->requests.count);
	admission_init(&loop->admission, loop->most, &fs->saved->parked);
	pthread_mutex_init(&loop->lock, NULL);
	dispatch_left_names(fs);
	restore_end(fs);
	const int error = start_workers(loop);

	fs->saved->head->supervised.serves = true;
	if (!error)
		wait_for_end(loop);
	stop_workers(loop);
	admission_finish(&loop->admission);
	fuse_session_exit(fs->session);
	pthread_mutex_destroy(&loop->lock);
	return error ? error : loop->error;
}
