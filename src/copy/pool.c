// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The threads that move pieces. Copies that have something to do stand in a
 * queue; a thread takes the first, claims one piece of it, and sends it to the
 * back. So a short copy does not wait for the long ones that came before.
 *
 * A file may hang, because a server or a disk does, and whatever reads it. A
 * thread that has been away for much longer than pieces usually take is late: it
 * does not count among those that may work at a time, and another one is started
 * for it. There is one more than may work, who waits and looks for late ones
 * while there is a queue. A copy that has late threads is given no others, so
 * what it holds does not grow. Pieces of a slow disk all take long: more threads
 * would only make it slower.
 */
#include "copy/job.h"
#include "util/clock.h"
#include "util/scope.h"
#include "util/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Direct I/O likes memory in few and large parts. */
#define LARGE_PAGE (2 << 20)

/* Late is so many times what pieces usually take, some hundredths of a second, … */
#define LATE_TIMES 4

/* … but nobody is late before, and everybody after so many seconds. */
#define LATE	  0.25
#define LATE_MOST 10.0

/* Of so many pieces, more or less, it is known what they usually take. */
#define USUAL_PIECES 8

/* So many threads there are at the most, the late ones included. */
#define WORKERS 256

struct worker {
	struct copy_pool *pool;
	pthread_t thread;
	bool started; /* and to be joined */
	bool over;
	/* Doing something without the lock: */
	bool away, late;
	struct timespec since;
	struct job *job; /* NULL: one that is about to be gone */
};

struct copy_pool {
	pthread_mutex_t lock;
	pthread_cond_t more; /* in the queue, or stopping */
	struct job *first, **last;
	_Atomic bool stopping;
	unsigned int jobs;    /* that have not ended */
	unsigned int threads; /* that may work at a time */
	unsigned int alive, working, late;
	double usual; /* seconds that a piece has taken lately */
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

/* Where nobody is, or is any more. */
static struct worker *find_place(struct copy_pool *pool)
{
	for (size_t i = 0; i < WORKERS; i++) {
		struct worker *worker = &pool->worker[i];

		if (worker->started && worker->over) {
			pthread_join(worker->thread, NULL);
			worker->started = false;
		}
		if (!worker->started)
			return worker;
	}
	return NULL;
}

static int start_worker(struct copy_pool *pool)
{
	struct worker *worker = find_place(pool);
	int err;

	if (!worker)
		return -EAGAIN;
	*worker = (struct worker){.pool = pool};
	err = thread_start(&worker->thread, NULL, work, worker);
	if (err)
		return err;
	worker->started = true;
	pool->alive++;
	return 0;
}

static double late_after(const struct copy_pool *pool)
{
	const double slow = pool->usual * LATE_TIMES;

	return slow > LATE ? slow : LATE;
}

/* One that has hung for an hour says little of the next. */
static void learn(struct copy_pool *pool, double took)
{
	const double most = LATE_MOST / LATE_TIMES;

	took = took < most ? took : most;
	pool->usual += (took - pool->usual) / USUAL_PIECES;
}

/* Where no other can be started there is one less to look for the next late one. */
static void let_be_late(struct worker *worker)
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
			let_be_late(worker);
	}
}

/* Lets go of the lock, to do something for @job. */
static void go(struct worker *worker, struct job *job)
{
	worker->job = job;
	worker->away = true;
	worker->pool->working++;
	clock_gettime(CLOCK_MONOTONIC, &worker->since);
	pthread_mutex_unlock(&worker->pool->lock);
}

static void come_back(struct worker *worker)
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
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(LATE / 5 * 1e9);
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&pool->more, &pool->lock, &until);
}

/* One that was late is back. */
static bool has_too_many(const struct copy_pool *pool)
{
	return pool->alive > pool->threads + 1 + pool->late;
}

/* NULL: this thread is not needed any more. */
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
	go(worker, job);
	job_prepare(job);
	come_back(worker);
	job->prepared = true;
}

static void move_piece(struct worker *worker, struct job *job, char *bounce)
{
	struct piece piece = job_claim(job);
	ssize_t moved;
	int error;

	if (job_can_claim(job))
		enqueue(worker->pool, job);
	go(worker, job);
	moved = job_move(job, piece, bounce, &error);
	come_back(worker);
	learn(worker->pool, seconds_since(&worker->since));
	job_settle(job, piece, moved, error);
}

static void end(struct worker *worker, struct job *job)
{
	struct copy_pool *pool = worker->pool;

	go(worker, NULL);
	job_end(job);
	come_back(worker);
	if (--pool->jobs == 0 && pool->stopping)
		pthread_cond_broadcast(&pool->more);
}

static void take_step(struct worker *worker, struct job *job, char *bounce)
{
	if (!job->prepared)
		prepare(worker, job);
	else if (job_can_claim(job))
		move_piece(worker, job, bounce);
}

/* Whether whoever has taken a step may take the next one: it is nobody else's turn. */
static bool may_go_on(const struct copy_pool *pool)
{
	return !pool->first && pool->working < pool->threads;
}

/*
 * One step, or more where nobody waits for this thread: to wake another one takes
 * longer than a small copy. Whoever finds the job over and in no queue ends it;
 * nobody else has it then.
 */
static void serve(struct worker *worker, struct job *job, char *bounce)
{
	do
		take_step(worker, job, bounce);
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
	scope(free) char *bounce = aligned_alloc(LARGE_PAGE, PIECE_MOST);
	struct job *job;

	if (!bounce)
		abort();
	madvise(bounce, PIECE_MOST, MADV_HUGEPAGE);
	pthread_mutex_lock(&pool->lock);
	while ((job = wait_for_job(pool)))
		serve(worker, job, bounce);
	pool->alive--;
	worker->over = true;
	/* What woke this one up may concern those that stay. */
	pthread_cond_signal(&pool->more);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static int start_workers(struct copy_pool *pool)
{
	int err = 0;
	with_lock(&pool->lock);

	while (!err && pool->alive <= pool->threads)
		err = start_worker(pool);
	return err;
}

static void init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
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
	init_condition(&pool->more);
	pool->last = &pool->first;
	pool->threads = threads;
	err = start_workers(pool);
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
	for (size_t i = 0; i < WORKERS; i++)
		if (pool->worker[i].started)
			pthread_join(pool->worker[i].thread, NULL);
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
