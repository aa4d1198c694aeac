// SPDX-License-Identifier: GPL-2.0-or-later
#include "state/supervisor.h"

#include "state/request.h"
#include "util/compat.h"
#include "util/log.h"
#include "util/scope.h"

#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- in the worker ---------------------------------------------------------------------- */

/* Of signal handlers, in both processes. */
static struct supervised *current;

/* Whether the process has raised the signal itself, and was not sent it. */
static bool is_own_fault(const siginfo_t *info)
{
	return info->si_code > 0 || (info->si_code == SI_TKILL && info->si_pid == getpid());
}

/* Notes the request that the thread was serving, then dies of the signal. */
static void crash(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (is_own_fault(info)) {
		current->crashes++;
		request_note_fault();
	}
	raise(signal);
}

static void watch_crashes(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
	const struct sigaction action = {
		.sa_sigaction = crash,
		.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER,
	};
	struct sigaction before;

	/* Sanitizers have handlers of their own. */
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (!sigaction(signals[i], NULL, &before) && before.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
}

/* --- in the supervisor ------------------------------------------------------------------ */

#define WORKER_NAME "dmaheapfs-serve"

/*
 * How often in a row a worker may crash, or be killed by others, as the OOM killer, before it
 * has answered a request.
 */
enum { CRASHES_MOST = 10, KILLS_MOST = 100 };

struct failures {
	unsigned crashes, kills;
};

/* How long the threads of a worker may take to die. Then it is asked whether they can. */
enum { REAP_ATTEMPTS = 25, REAP_WAIT_US = 2000 };

static volatile sig_atomic_t stopped, asked;

/* The worker, for signal handlers, and how it has ended. */
static volatile pid_t worker;
static volatile int worker_status;
static volatile sig_atomic_t worker_ended;

static void pass_on(int signal)
{
	stopped = 1;
	if (worker && !worker_ended)
		kill(worker, signal);
}

static void ask(int signal)
{
	(void)signal;
	asked = 1;
}

/* An earlier worker may end late. The kernel need not have cleared the word. */
static void child_ended(int signal)
{
	const int saved = errno;
	pid_t child;
	int status;

	(void)signal;
	while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
		if (child != worker)
			continue;
		worker_status = status;
		worker_ended = 1;
		current->thread = 0;
	}
	errno = saved;
}

static void set_handler(int signal, void (*handler)(int))
{
	const struct sigaction action = {.sa_handler = handler};
	struct sigaction before;

	if (!sigaction(signal, NULL, &before) && before.sa_handler == SIG_DFL)
		sigaction(signal, &action, NULL);
}

static const int passed_on[] = {SIGTERM, SIGINT, SIGHUP};

static void handle_signals(void)
{
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		set_handler(passed_on[i], pass_on);
	set_handler(SIGCHLD, child_ended);
	set_handler(SUPERVISE_SIGNAL, ask);
}

static void unhandle_signals(void)
{
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
		struct sigaction action;

		if (!sigaction(passed_on[i], NULL, &action) && action.sa_handler == pass_on)
			signal(passed_on[i], SIG_DFL);
	}
	signal(SIGCHLD, SIG_DFL);
	signal(SUPERVISE_SIGNAL, SIG_IGN);
}

/* The order of clone(2)'s arguments differs between machines. */
#ifdef __s390__
#define CLONE_ARGS(flags, stack) stack, flags
#else
#define CLONE_ARGS(flags, stack) flags, stack
#endif

/*
 * As fork(2), but with the same table of fds. clone3(2) is not possible in a service of systemd
 * with RestrictNamespaces=. The last but one and the last argument are the address of the word
 * and one that is not used, in an order that also differs.
 */
static pid_t fork_with_fds(struct supervised *shared)
{
	const unsigned long flags =
		CLONE_FILES | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
	_Atomic uint32_t *word = &shared->thread;

	return (pid_t)syscall(SYS_clone, CLONE_ARGS(flags, NULL), word, word, word);
}

/* Or until the supervisor is asked. A signal just before the call may be missed. */
static void wait_until_cleared(struct supervised *shared)
{
	uint32_t thread;

	while ((thread = shared->thread) && !asked)
		syscall(SYS_futex, &shared->thread, FUTEX_WAIT, thread, NULL, NULL, 0);
}

static char state_of(const char *thread)
{
	char path[300], state = 'X';

	snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", worker, thread);
	FILE *file = fopen(path, "re");

	if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	if (file)
		fclose(file);
	return state;
}

/* Whether all threads that are left wait in the kernel for something that no signal ends. */
static bool hangs(void)
{
	char path[32];
	const struct dirent *entry;
	bool all = true;

	snprintf(path, sizeof(path), "/proc/%d/task", worker);
	DIR *threads = opendir(path);

	while (threads && all && (entry = readdir(threads)))
		all = *entry->d_name == '.' || strchr("DZX", state_of(entry->d_name));
	if (threads)
		closedir(threads);
	return all;
}

/*
 * Returns whether the worker has ended with all its threads. One that is only slow could
 * finish a system call beside the next worker, which must not be.
 */
static bool has_ended(void)
{
	do
		for (int i = 0; i < REAP_ATTEMPTS && !worker_ended; i++)
			usleep(REAP_WAIT_US);
	while (!worker_ended && !hangs());
	return worker_ended;
}

/* Half a second at most. */
static void wait_before_restart(const struct failures *failures)
{
	const unsigned all = failures->crashes + failures->kills;
	const long steps = all < 10 ? all : 10;
	const struct timespec pause = {.tv_nsec = steps * steps * 5000000L};

	if (all)
		nanosleep(&pause, NULL);
}

static bool are_too_many(const struct failures *failures)
{
	return failures->crashes >= CRASHES_MOST || failures->kills >= KILLS_MOST;
}

/*
 * The worker has ended, or its main thread has. Returns the signal; 0: it has returned. Then
 * its other threads may still be waiting for the mount, which is about to end.
 */
static uint32_t signal_of_end(struct supervised *shared)
{
	if (shared->returned)
		return 0;
	/* It is being killed, but a thread hangs, in a source for example. */
	if (!has_ended())
		return SIGKILL;
	return WIFSIGNALED(worker_status) ? (uint32_t)WTERMSIG(worker_status) : SIGKILL;
}

/*
 * Returns the worker's process, 0 in the worker, or -errno. Signals wait meanwhile: the worker
 * must not take one by a handler of the supervisor's, which would pass it on to nobody.
 */
static pid_t start_worker(struct supervised *shared)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	shared->serves = false;
	shared->starts++;
	worker_ended = 0;
	worker = fork_with_fds(shared);
	const pid_t started = worker < 0 ? -errno : worker;

	if (!started)
		unhandle_signals();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return started;
}

/* Ends the worker if another program can go on. Returns whether it did. */
static bool hand_over(struct supervised *shared, const struct supervised_calls *calls)
{
	const bool may = shared->serves && calls->may_hand_over(calls->context);

	/* Signals that came meanwhile asked the same. */
	asked = 0;
	if (!may)
		return false;
	kill(worker, SIGKILL);
	shared->last_signal = signal_of_end(shared);
	return shared->last_signal;
}

/* Waits for the end of the worker. Returns whether it was ended for another program. */
static bool wait_for_end(struct supervised *shared, const struct supervised_calls *calls)
{
	for (;;) {
		wait_until_cleared(shared);
		if (!shared->thread) {
			shared->last_signal = signal_of_end(shared);
			return false;
		}
		if (hand_over(shared, calls))
			return true;
	}
}

static int give_up(const struct supervised *shared, const struct failures *failures)
{
	log_error("the serving process was ended %u times in a row before it had answered a "
		  "request, the last time by signal %u (%s), and is not started again",
		  failures->crashes + failures->kills, shared->last_signal,
		  strsignal((int)shared->last_signal));
	return -EIO;
}

#define IN_WORKER 1

static int keep_running(struct supervised *shared, const struct supervised_calls *calls)
{
	struct failures failures = {0};

	while (!stopped && !are_too_many(&failures)) {
		const uint64_t answered = shared->answered;
		const uint32_t crashes = shared->crashes;

		wait_before_restart(&failures);
		const pid_t started = start_worker(shared);

		if (started <= 0)
			return started ?: IN_WORKER;
		if (stopped)
			kill(started, SIGTERM);
		if (wait_for_end(shared, calls))
			return SUPERVISE_HAND_OVER;
		if (!shared->last_signal)
			return 0;
		const bool has_crashed = shared->crashes != crashes;

		if (shared->answered != answered || (shared->serves && !has_crashed))
			failures = (struct failures){0};
		else if (has_crashed)
			failures.crashes++;
		else
			failures.kills++;
	}
	return stopped ? 0 : give_up(shared, &failures);
}

int supervise(struct supervised *shared, const struct supervised_calls *calls,
	      struct fd_list *recorded)
{
	scope(fd_list) struct fd_list own = {};

	log_close();
	const int error = fd_list_others(&own, recorded);

	if (error)
		return error;
	current = shared;
	shared->supervisor = (uint32_t)getpid();
	mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	handle_signals();
	const int outcome = keep_running(shared, calls);

	if (outcome != IN_WORKER)
		return outcome ?: shared->result;
	prctl(PR_SET_NAME, WORKER_NAME, 0, 0, 0);
	watch_crashes();
	/* All that the supervisor has after supervise() is its own. */
	shared->result = calls->work(calls->context, &own);
	shared->returned = true;
	exit(shared->result);
}

/* So many times REAP_WAIT_US. */
#define FINISH_ATTEMPTS 1500

void supervise_finish(void)
{
	for (int i = 0; i < FINISH_ATTEMPTS && !worker_ended; i++)
		usleep(REAP_WAIT_US);
}

void supervise_hold(struct supervised *shared)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	shared->is_held = true;
	while (!stopped)
		sigsuspend(&before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}
