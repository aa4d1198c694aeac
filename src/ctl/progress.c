// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/progress.h"

#include "util/clock.h"
#include "util/format_size.h"
#include "util/scope.h"
#include "util/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Seconds. On a terminal one line is overwritten; a file gets a new one each time. */
#define TERMINAL_PERIOD 0.1
#define FILE_PERIOD	1.0

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

/* Signal handlers can use only global variables. */
static volatile sig_atomic_t caught;
static _Atomic bool cancelled;

static void catch (int signal)
{
	caught = signal;
	cancelled = true;
}

static void handle_signals(void (*handler)(int))
{
	/* Without SA_RESTART, so that blocking system calls return. */
	const struct sigaction action = {.sa_handler = handler};

	for (size_t i = 0; i < SIGNALS; i++) {
		struct sigaction before;

		/* nohup ignores SIGHUP, and it stays ignored. */
		if (!sigaction(signals[i], NULL, &before) && before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

void progress_begin(void)
{
	handle_signals(catch);
}

void progress_end(bool done)
{
	if (!caught || done)
		return;
	handle_signals(SIG_DFL);
	raise(caught);
}

bool progress_was_interrupted(void)
{
	return caught != 0;
}

struct show {
	const struct progress_options *options;
	struct timespec since;
	bool terminal;
	double last;
};

static void print_left(uint64_t left, double rate)
{
	const double seconds = (double)left / rate + 0.5;

	if (rate <= 0 || seconds > 100 * 3600)
		return;
	const unsigned int whole = (unsigned int)seconds;

	if (whole >= 3600)
		fprintf(stderr, ", %u:%02u:%02u left", whole / 3600, whole / 60 % 60, whole % 60);
	else
		fprintf(stderr, ", %u:%02u left", whole / 60, whole % 60);
}

/* "512.0 MiB of 1.0 GiB, 50 %, 1.2 GiB/s, 0:01 left" */
static void print_progress(const struct show *show, uint64_t moved, double seconds)
{
	const uint64_t total = show->options->total;
	const double rate = seconds > 0 ? (double)moved / seconds : 0;
	char done[32], all[32], speed[32];

	fprintf(stderr, "%s%s", show->terminal ? "\r\033[K" : "", format_size((double)moved, done));
	if (total != COPY_TO_THE_END && total > 0)
		fprintf(stderr, " of %s, %u %%", format_size((double)total, all),
			(unsigned int)((double)moved * 100 / (double)total));
	fprintf(stderr, ", %s/s", format_size(rate, speed));
	if (total != COPY_TO_THE_END && moved < total)
		print_left(total - moved, rate);
	if (!show->terminal)
		fputc('\n', stderr);
	fflush(stderr);
}

static bool is_shown(const struct show *show)
{
	return show->terminal || show->options->always;
}

static void show_now_and_then(struct show *show, uint64_t moved)
{
	const double seconds = seconds_since(&show->since);

	if (!is_shown(show) ||
	    seconds - show->last < (show->terminal ? TERMINAL_PERIOD : FILE_PERIOD))
		return;
	show->last = seconds;
	print_progress(show, moved, seconds);
}

static void show_end(const struct show *show, uint64_t moved)
{
	if (!is_shown(show))
		return;
	print_progress(show, moved, seconds_since(&show->since));
	if (show->terminal)
		fputc('\n', stderr);
}

struct outcome {
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool is_over;
	int64_t result;
	struct copy_report *report;
};

static void take_outcome(void *context, int64_t result, const struct copy_report *report)
{
	struct outcome *outcome = context;
	guard(mutex)(&outcome->lock);

	outcome->result = result;
	*outcome->report = *report;
	outcome->is_over = true;
	pthread_cond_signal(&outcome->over);
}

static bool wait_a_little(struct outcome *outcome)
{
	struct timespec until;
	guard(mutex)(&outcome->lock);

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 50 * 1000 * 1000;
	if (until.tv_nsec >= 1000 * 1000 * 1000) {
		until.tv_nsec -= 1000 * 1000 * 1000;
		until.tv_sec++;
	}
	if (!outcome->is_over)
		pthread_cond_timedwait(&outcome->over, &outcome->lock, &until);
	return outcome->is_over;
}

static int64_t wait_for_copy(struct copy_pool *pool, struct copy *copy, struct show *show,
			     struct copy_report *report)
{
	struct outcome outcome = {.lock = PTHREAD_MUTEX_INITIALIZER, .report = report};
	_Atomic uint64_t moved = 0;

	condition_init(&outcome.over);
	copy->cancel = &cancelled;
	copy->progress = &moved;
	const int error = copy_submit(pool, copy, take_outcome, &outcome);

	while (!error && !wait_a_little(&outcome))
		show_now_and_then(show, moved);
	/* It must not outlive @moved. */
	copy->progress = NULL;
	if (error)
		return error;
	show_end(show, moved);
	return outcome.result >= 0 && report->error ? report->error : outcome.result;
}

int64_t progress_copy_buffer(struct copy *copy, const struct progress_options *options,
			     struct copy_report *report)
{
	struct show show = {.options = options, .terminal = isatty(STDERR_FILENO)};
	struct copy_pool *pool;
	const int error = copy_pool_create(&pool, COPY_THREADS);

	if (error)
		return error;
	clock_gettime(CLOCK_MONOTONIC, &show.since);
	const int64_t result = wait_for_copy(pool, copy, &show, report);

	copy_pool_destroy(pool);
	return result;
}

int64_t progress_copy(struct copy *copy, int mounted, const struct progress_options *options,
		      struct copy_report *report)
{
	const int error = buffer_create_mounted(&copy->buffer, mounted);

	if (error)
		return error;
	const int64_t result = progress_copy_buffer(copy, options, report);

	buffer_destroy(copy->buffer);
	return result;
}
