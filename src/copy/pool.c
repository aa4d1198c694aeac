// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The threads that move pieces. Copies with pieces left wait in a queue; a thread
 * takes the first copy, claims one piece of it, and puts it back at the end. So a
 * short copy does not wait for long ones that came before.
 *
 * Reading or writing a file may hang, because a server or a disk does. A thread that
 * takes much longer than pieces usually do is overdue: it no longer counts among those
 * that may work at a time, and another thread is started in its place. One more thread
 * than may work looks for overdue ones while the queue is not empty. A copy with
 * overdue threads gets no others, so it does not take ever more of them. On a slow disk
 * all pieces take long, and more threads would only make it slower.
 */
#include "copy/job.h"
#include "state/request.h"
#include "util/clock.h"
#include "util/scope.h"
#include "util/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Direct I/O is faster on physically contiguous memory. */
#define LARGE_PAGE (2 << 20)

/*
 * A thread is overdue after LATE_FACTOR times the average time of a piece, but not
 * before LATE_MIN and always after LATE_MAX seconds.
 */
#define LATE_FACTOR 4
#define LATE_MIN    0.25
#define LATE_MAX    10.0

/* The average is over about this many pieces. */
#define AVERAGED_PIECES 8

/* The most threads, those overdue included. */
#define WORKERS 256

struct worker {
	struct copy_pool *pool;
	pthread_t thread;
	char *bounce; /* PIECE_MOST bytes */
	bool started; /* and to be joined */
	bool over;
	/* Working without the lock: */
	bool away, late;
	struct timespec since;
	struct job *job; /* NULL: it is being freed */
};

struct copy_pool {
	pthread_mutex_t lock;
	pthread_cond_t more; /* the queue is not empty, or the pool is stopping */
	struct job *first, **last;
	_Atomic bool stopping;
	unsigned int jobs;    /* submitted and not ended */
	unsigned int threads; /* that may work at a time */
	unsigned int alive, working, late;
	double average; /* seconds for a piece, lately */
	struct worker worker[WORKERS];
};

static void enqueue(struct copy_pool *pool, struct job *job)
{
	job->queued = true;
	job->next = NULL;
	*pool->last = job;
	pool->last = &job->next;
	pthread_cond_signal(&pool->more);
}

static struct job *dequeue(struct copy_pool *pool)
{
	struct job *job = pool->first;

	pool->first = job->next;
	if (!pool->first)
		pool->last = &pool->first;
	job->queued = false;
	return job;
}

static void *work(void *context);

static void join(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
	free(worker->bounce);
	worker->started = false;
}

/* Returns a slot without a running thread, or NULL. */
static struct worker *find_slot(struct copy_pool *pool)
{
	for (size_t i = 0; i < WORKERS; i++) {
		struct worker *worker = &pool->worker[i];

		if (worker->started && worker->over)
			join(worker);
		if (!worker->started)
			return worker;
	}
	return NULL;
}

static int start_worker(struct copy_pool *pool)
{
	struct worker *worker = find_slot(pool);

	if (!worker)
		return -EAGAIN;
	*worker = (struct worker){
		.pool = pool,
		.bounce = aligned_alloc(LARGE_PAGE, PIECE_MOST),
	};
	if (!worker->bounce)
		return -ENOMEM;
	madvise(worker->bounce, PIECE_MOST, MADV_HUGEPAGE);
	const int error = thread_start(&worker->thread, work, worker);

	if (error) {
		free(worker->bounce);
		return error;
	}
	worker->started = true;
	pool->alive++;
	return 0;
}

static double late_after(const struct copy_pool *pool)
{
	const double slow = pool->average * LATE_FACTOR;

	return slow > LATE_MIN ? slow : LATE_MIN;
}

/* Caps @took, which also makes LATE_MAX the upper limit of late_after(). */
static void learn(struct copy_pool *pool, double took)
{
	const double most = LATE_MAX / LATE_FACTOR;

	took = took < most ? took : most;
	pool->average += (took - pool->average) / AVERAGED_PIECES;
}

/* If no other thread can be started, one less looks for the next overdue one. */
static void mark_late(struct worker *worker)
{
	struct copy_pool *pool = worker->pool;

	worker->late = true;
	pool->late++;
	pool->working--;
	if (worker->job)
		worker->job->late++;
	if (!pool->stopping)
		start_worker(pool);
}

static void find_late(struct copy_pool *pool)
{
	const double late = late_after(pool);

	for (size_t i = 0; i < WORKERS; i++) {
		struct worker *worker = &pool->worker[i];

		if (worker->away && !worker->late && seconds_since(&worker->since) >= late)
			mark_late(worker);
	}
}

/* Releases the lock to work on @job. */
static void leave(struct worker *worker, struct job *job)
{
	worker->job = job;
	worker->away = true;
	worker->pool->working++;
	clock_gettime(CLOCK_MONOTONIC, &worker->since);
	pthread_mutex_unlock(&worker->pool->lock);
	request_blame(job ? job->copy.faults : NULL);
}

static void reenter(struct worker *worker)
{
	struct copy_pool *pool = worker->pool;

	pthread_mutex_lock(&pool->lock);
	if (!worker->late) {
		pool->working--;
	} else {
		pool->late--;
		if (worker->job)
			worker->job->late--;
	}
	worker->away = worker->late = false;
}

static void wait_a_moment(struct copy_pool *pool)
{
	const struct timespec until = clock_in(CLOCK_MONOTONIC, LATE_MIN / 5);

	pthread_cond_timedwait(&pool->more, &pool->lock, &until);
}

/* A thread that was overdue is back. */
static bool has_too_many(const struct copy_pool *pool)
{
	return pool->alive > pool->threads + 1 + pool->late;
}

/* Returns NULL if this thread is no longer needed. */
static struct job *wait_for_job(struct copy_pool *pool)
{
	while (!pool->first || pool->working >= pool->threads) {
		if (has_too_many(pool) || (pool->stopping && !pool->jobs))
			return NULL;
		if (!pool->first) {
			pthread_cond_wait(&pool->more, &pool->lock);
		} else {
			wait_a_moment(pool);
			find_late(pool);
		}
	}
	return dequeue(pool);
}

static void prepare(struct worker *worker, struct job *job)
{
	leave(worker, job);
	job_prepare(job);
	reenter(worker);
	job->prepared = true;
}

static void move_piece(struct worker *worker, struct job *job)
{
	const struct piece piece = job_claim(job);
	int error;

	if (job_can_claim(job))
		enqueue(worker->pool, job);
	leave(worker, job);
	const ssize_t moved = job_move(job, piece, worker->bounce, &error);

	reenter(worker);
	learn(worker->pool, seconds_since(&worker->since));
	job_settle(job, piece, moved, error);
}

static void end(struct worker *worker, struct job *job)
{
	struct copy_pool *pool = worker->pool;

	leave(worker, NULL);
	job_end(job);
	reenter(worker);
	if (--pool->jobs == 0 && pool->stopping)
		pthread_cond_broadcast(&pool->more);
}

static void take_step(struct worker *worker, struct job *job)
{
	if (!job->prepared)
		prepare(worker, job);
	else if (job_can_claim(job))
		move_piece(worker, job);
}

/* No other copy waits, so the thread may continue with its own. */
static bool may_go_on(const struct copy_pool *pool)
{
	return !pool->first && pool->working < pool->threads;
}

/*
 * Takes one step, or more if no other copy waits: waking another thread takes longer
 * than a small copy. A thread that finds the job over and not queued is its only user,
 * and ends it.
 */
static void serve(struct worker *worker, struct job *job)
{
	do
		take_step(worker, job);
	while (!job->queued && job_can_claim(job) && may_go_on(worker->pool));
	if (job->queued)
		return;
	if (job_can_claim(job))
		enqueue(worker->pool, job);
	else if (job_is_over(job))
		end(worker, job);
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct copy_pool *pool = worker->pool;
	struct job *job;

	pthread_mutex_lock(&pool->lock);
	while ((job = wait_for_job(pool)))
		serve(worker, job);
	pool->alive--;
	worker->over = true;
	/* The signal that woke this thread may be meant for another. */
	pthread_cond_signal(&pool->more);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static int start_workers(struct copy_pool *pool)
{
	int error = 0;
	guard(mutex)(&pool->lock);

	while (!error && pool->alive <= pool->threads)
		error = start_worker(pool);
	return error;
}

int copy_pool_create(struct copy_pool **created, unsigned int threads)
{
	if (threads < 1 || threads > COPY_MAX_THREADS)
		return -EINVAL;
	struct copy_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pthread_mutex_init(&pool->lock, NULL);
	condition_init(&pool->more);
	pool->last = &pool->first;
	pool->threads = threads;
	const int error = start_workers(pool);

	if (error)
		copy_pool_destroy(pool);
	else
		*created = pool;
	return error;
}

void copy_pool_destroy(struct copy_pool *pool)
{
	if (!pool)
		return;
	{
		guard(mutex)(&pool->lock);
		pool->stopping = true;
		pthread_cond_broadcast(&pool->more);
	}
	for (size_t i = 0; i < WORKERS; i++)
		if (pool->worker[i].started)
			join(&pool->worker[i]);
	pthread_cond_destroy(&pool->more);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

int copy_submit(struct copy_pool *pool, const struct copy *copy, copy_done *done, void *context)
{
	struct job *job = job_create(copy, done, context);

	if (!job)
		return -ENOMEM;
	job->stopping = &pool->stopping;
	guard(mutex)(&pool->lock);
	pool->jobs++;
	enqueue(pool, job);
	return 0;
}
