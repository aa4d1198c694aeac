// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The threads that move pieces. Copies that have something to do stand in a
 * queue; a thread takes the first, claims one piece of it, and sends it to the
 * back. So a short copy does not wait for the long ones that came before.
 */
#include "copy/job.h"
#include "util/scope.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Direct I/O likes memory in few and large parts. */
#define LARGE_PAGE (2 << 20)

struct copy_pool {
	pthread_mutex_t lock;
	pthread_cond_t more; /* in the queue, or stopping */
	struct job *first, **last;
	_Atomic bool stopping;
	unsigned int jobs; /* that have not ended */
	unsigned int threads;
	pthread_t thread[COPY_MAX_THREADS];
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

/* NULL: nothing will ever come any more. */
static struct job *wait_for_job(struct copy_pool *pool)
{
	while (!pool->first) {
		if (pool->stopping && !pool->jobs)
			return NULL;
		pthread_cond_wait(&pool->more, &pool->lock);
	}
	return dequeue(pool);
}

/* The lock is let go of for the time that takes. */
static void prepare(struct copy_pool *pool, struct job *job)
{
	pthread_mutex_unlock(&pool->lock);
	job_prepare(job);
	pthread_mutex_lock(&pool->lock);
	job->prepared = true;
}

static void move_piece(struct copy_pool *pool, struct job *job, char *bounce)
{
	struct piece piece = job_claim(job);
	ssize_t moved;
	int error;

	if (job_can_claim(job))
		enqueue(pool, job);
	pthread_mutex_unlock(&pool->lock);
	moved = job_move(job, piece, bounce, &error);
	pthread_mutex_lock(&pool->lock);
	job_settle(job, piece, moved, error);
}

static void end(struct copy_pool *pool, struct job *job)
{
	pthread_mutex_unlock(&pool->lock);
	job_end(job);
	pthread_mutex_lock(&pool->lock);
	if (--pool->jobs == 0 && pool->stopping)
		pthread_cond_broadcast(&pool->more);
}

/* One step. Whoever finds the job over and in no queue ends it; nobody else has it then. */
static void serve(struct copy_pool *pool, struct job *job, char *bounce)
{
	if (!job->prepared)
		prepare(pool, job);
	else if (job_can_claim(job))
		move_piece(pool, job, bounce);
	if (job->queued)
		return;
	if (job_can_claim(job))
		enqueue(pool, job);
	else if (job_is_over(job))
		end(pool, job);
}

static void *work(void *context)
{
	struct copy_pool *pool = context;
	scope(free) char *bounce = aligned_alloc(LARGE_PAGE, PIECE_MOST);
	struct job *job;

	if (!bounce)
		abort();
	madvise(bounce, PIECE_MOST, MADV_HUGEPAGE);
	pthread_mutex_lock(&pool->lock);
	while ((job = wait_for_job(pool)))
		serve(pool, job, bounce);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Signals are for the threads that were there before. */
static int start_threads(struct copy_pool *pool, unsigned int threads)
{
	sigset_t all, before;
	int err = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (!err && pool->threads < threads) {
		err = -pthread_create(&pool->thread[pool->threads], NULL, work, pool);
		pool->threads += !err;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

int copy_pool_create(struct copy_pool **created, unsigned int threads)
{
	struct copy_pool *pool;
	int err;

	if (threads < 1 || threads > COPY_MAX_THREADS)
		return -EINVAL;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->more, NULL);
	pool->last = &pool->first;
	err = start_threads(pool, threads);
	if (err) {
		copy_pool_destroy(pool);
		return err;
	}
	*created = pool;
	return 0;
}

void copy_pool_destroy(struct copy_pool *pool)
{
	if (!pool)
		return;
	{
		with_lock(&pool->lock);
		pool->stopping = true;
		pthread_cond_broadcast(&pool->more);
	}
	for (unsigned int i = 0; i < pool->threads; i++)
		pthread_join(pool->thread[i], NULL);
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
	with_lock(&pool->lock);
	pool->jobs++;
	enqueue(pool, job);
	return 0;
}

struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool is_over;
	ssize_t result;
	struct copy_report *report;
};

static void wake(void *context, ssize_t result, const struct copy_report *report)
{
	struct waiting *waiting = context;
	with_lock(&waiting->lock);

	waiting->result = result;
	*waiting->report = *report;
	waiting->is_over = true;
	pthread_cond_signal(&waiting->over);
}

ssize_t copy_run(struct copy_pool *pool, const struct copy *copy, struct copy_report *report)
{
	struct waiting waiting = {.lock = PTHREAD_MUTEX_INITIALIZER,
				  .over = PTHREAD_COND_INITIALIZER,
				  .report = report};
	int err = copy_submit(pool, copy, wake, &waiting);

	if (err)
		return err;
	with_lock(&waiting.lock);
	while (!waiting.is_over)
		pthread_cond_wait(&waiting.over, &waiting.lock);
	return waiting.result;
}
