// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/loop.h"

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

/* Threads in all, those that start, and those that may wait for requests at a time. */
enum { THREADS_MOST = 256, THREADS_FIRST = 8, THREADS_IDLE = 10 };

/*
 * Requests in progress of one user, and those of them with much work. Where there are few
 * threads a user gets a part of them.
 */
enum { REQUESTS_PER_USER = 16, HEAVY_PER_USER = 4 };
enum { PART_OF_ROOT = 2, PART_OF_OTHERS = 4 };

/* The part of a control group's memory that the buffers of threads may take. */
#define BUFFERS_PART 8

#define BUFFER_BYTES (LOOP_MAX_WRITE + 4096)

/* Interrupts the read of a thread. Its handler does nothing. */
#define WAKE_SIGNAL  SIGUSR1
#define WAKE_SECONDS 0.02

/* Of the kernel itself, for nobody: closed files, forgotten inodes. */
#define KERNEL ((uid_t)-1)

/* A request that waits until its user has fewer in progress. */
struct deferred {
	struct deferred *next;
	size_t size;
	char request[]; /* starts with a struct fuse_in_header */
};

struct worker {
	struct loop *loop;
	pthread_t thread;
	char *buffer;
	bool started; /* and to be joined */
	bool over;
	/* The request in progress. */
	bool busy, heavy;
	uid_t user;
};

struct loop {
	struct fs *fs;
	struct fuse_session *session; /* of @fs */
	int done;		      /* eventfd: the loop is to end */
	pthread_mutex_t lock;
	bool stopping;
	int error;
	unsigned alive, idle, most;
	struct deferred *first, **last;
	size_t deferred_bytes;
	struct worker worker[THREADS_MOST];
};

/* --- requests ----------------------------------------------------------------------- */

static const struct fuse_in_header *header_of(const void *request)
{
	return request;
}

/* Since Linux 6.18. The installed headers may be older. */
enum { COPY_FILE_RANGE_64 = 53 };

static bool is_heavy(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_FALLOCATE:
	case FUSE_COPY_FILE_RANGE:
	case COPY_FILE_RANGE_64:
		return true;
	default:
		return false;
	}
}

static uid_t user_of(const struct fuse_in_header *header)
{
	switch (header->opcode) {
	case FUSE_INIT:
	case FUSE_DESTROY:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		return KERNEL;
	default:
		return header->uid;
	}
}

static unsigned limit_of(const struct loop *loop, uid_t user, bool heavy)
{
	const unsigned part = loop->most / (user ? PART_OF_OTHERS : PART_OF_ROOT);

	/* Closing a file may hang as well, if its source does. */
	if (user == KERNEL || (user == 0 && !heavy))
		return part;
	return (unsigned)min_u64(heavy ? HEAVY_PER_USER : REQUESTS_PER_USER, part);
}

/* Counts the requests in progress; loop->lock is held. */
static bool may_start(const struct loop *loop, const struct fuse_in_header *header)
{
	const bool heavy = is_heavy(header->opcode);
	const uid_t user = user_of(header);
	const unsigned limit = limit_of(loop, user, heavy);
	unsigned count = 0;

	for (size_t i = 0; loop->alive > limit && i < THREADS_MOST; i++) {
		const struct worker *worker = &loop->worker[i];

		count += worker->busy && worker->user == user && (!heavy || worker->heavy);
	}
	return count < limit;
}

/* Copies the request. Without memory it is to be done at once. loop->lock is held. */
static bool defer(struct loop *loop, const char *request, size_t size)
{
	/* As much as the threads' own buffers. */
	if (loop->deferred_bytes + size > (size_t)loop->most * LOOP_MAX_WRITE)
		return false;
	struct deferred *deferred = malloc(sizeof(*deferred) + size);

	if (!deferred)
		return false;
	loop->deferred_bytes += size;
	*deferred = (struct deferred){.size = size};
	memcpy(deferred->request, request, size);
	*loop->last = deferred;
	loop->last = &deferred->next;
	return true;
}

/*
 * Returns the place in the queue of the first request that may start. A user may have
 * thousands there, and all of a kind get the same answer.
 */
static struct deferred **find_deferred(struct loop *loop)
{
	struct deferred **at = &loop->first;
	uid_t refused[2] = {KERNEL, KERNEL}; /* the last user, not heavy and heavy */

	for (; *at; at = &(*at)->next) {
		const struct fuse_in_header *header = header_of((*at)->request);
		const bool heavy = is_heavy(header->opcode);
		const uid_t user = user_of(header);

		if (user != KERNEL && user == refused[heavy])
			continue;
		if (may_start(loop, header))
			break;
		refused[heavy] = user;
	}
	return at;
}

/* Moves a request that may start to the worker's buffer, and returns its size; 0: none. */
static size_t take_deferred(struct worker *worker)
{
	struct loop *loop = worker->loop;
	struct deferred **at = find_deferred(loop);
	struct deferred *found = *at;

	if (!found)
		return 0;
	*at = found->next;
	if (!found->next)
		loop->last = at;
	const size_t size = found->size;

	memcpy(worker->buffer, found->request, size);
	loop->deferred_bytes -= size;
	free(found);
	return size;
}

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
	for (size_t i = 0; i < THREADS_MOST; i++) {
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

/* loop->lock is held. */
static void begin_request(struct worker *worker)
{
	const struct fuse_in_header *header = header_of(worker->buffer);

	worker->busy = true;
	worker->heavy = is_heavy(header->opcode);
	worker->user = user_of(header);
}

/* The worker has read a request. Returns false if the request has been deferred. */
static bool may_serve(struct worker *worker, size_t size)
{
	struct loop *loop = worker->loop;
	guard(mutex)(&loop->lock);

	if (!may_start(loop, header_of(worker->buffer)) && defer(loop, worker->buffer, size))
		return false;
	begin_request(worker);
	if (--loop->idle == 0 && !loop->stopping)
		start_worker(loop);
	return true;
}

/* Returns the size of the worker's next request, if a deferred one may start now. */
static size_t finish_request(struct worker *worker)
{
	struct loop *loop = worker->loop;
	guard(mutex)(&loop->lock);

	worker->busy = false;
	const size_t size = take_deferred(worker);

	if (size)
		begin_request(worker);
	else
		loop->idle++;
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
	for (size_t i = 0; i < THREADS_MOST; i++) {
		struct worker *worker = &loop->worker[i];

		if (!worker->started)
			continue;
		wake_until_over(worker);
		free(worker->buffer);
	}
}

/* The kernel answers them itself when the connection ends. */
static void drop_deferred(struct loop *loop)
{
	while (loop->first) {
		struct deferred *next = loop->first->next;

		free(loop->first);
		loop->first = next;
	}
}

static unsigned most_threads(const struct cgroup *cgroup)
{
	if (!cgroup->count)
		return THREADS_MOST;
	const uint64_t fit = cgroup->limit / BUFFERS_PART / BUFFER_BYTES;

	return (unsigned)min_u64(max_u64(fit, THREADS_FIRST), THREADS_MOST);
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
	loop->last = &loop->first;
	pthread_mutex_init(&loop->lock, NULL);
	const int error = start_workers(loop);

	if (!error)
		wait_for_end(loop);
	stop_workers(loop);
	drop_deferred(loop);
	fuse_session_exit(fs->session);
	pthread_mutex_destroy(&loop->lock);
	return error ? error : loop->error;
}
