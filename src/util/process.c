// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/process.h"

#include "util/compat.h"
#include "util/scope.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>

/* A chroot may have no /dev. Reads and writes of a directory fail, which is as good. */
static int open_nothing(void)
{
	const int fd = open("/dev/null", O_RDWR);

	return fd < 0 ? open("/", O_RDONLY | O_DIRECTORY) : fd;
}

int process_open_std_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open_nothing() < 0)
			return -errno;
	return 0;
}

/* By the system call, as old versions of libc lack the function. */
void process_close_fds(void)
{
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
}

static void set_action(int signal, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	sigaction(signal, &action, NULL);
}

void process_reset_signals(void)
{
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++) {
		struct sigaction action;

		if (signal != SIGHUP && !sigaction(signal, NULL, &action) &&
		    action.sa_handler == SIG_IGN)
			set_action(signal, SIG_DFL);
	}
	set_action(SIGXFSZ, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void process_restore_signals(void)
{
	set_action(SIGXFSZ, SIG_DFL);
}

struct rlimit process_raise_fd_limit(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return limit;
	const struct rlimit raised = {limit.rlim_max, limit.rlim_max};

	setrlimit(RLIMIT_NOFILE, &raised);
	return limit;
}

/* Timers survive execve(2), and their signals end the process. */
static void stop_timers(void)
{
	const struct itimerval none = {};

	setitimer(ITIMER_REAL, &none, NULL);
	setitimer(ITIMER_VIRTUAL, &none, NULL);
	setitimer(ITIMER_PROF, &none, NULL);
}

/* Without CAP_SYS_RESOURCE only up to the hard limit. */
static void lift(int resource)
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit limit;

	if (!setrlimit(resource, &none) || getrlimit(resource, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(resource, &limit);
}

/* A core limit of 0 does not stop a core_pattern that is a pipe. An empty filter does. */
static void disable_core_dumps(void)
{
	const struct rlimit none = {0, 0};
	scope(fd) int filter = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

	setrlimit(RLIMIT_CORE, &none);
	if (filter >= 0)
		(void)!write(filter, "0", 1);
}

static void avoid_oom_killer(void)
{
	scope(fd) int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (score >= 0)
		(void)!write(score, "-1000", strlen("-1000"));
}

void process_reset_limits(void)
{
	static const int lifted[] = {RLIMIT_AS,	   RLIMIT_CPU,	  RLIMIT_DATA,
				     RLIMIT_FSIZE, RLIMIT_LOCKS,  RLIMIT_MEMLOCK,
				     RLIMIT_NPROC, RLIMIT_RTTIME, RLIMIT_SIGPENDING};
	const struct sched_param usual = {0};

	for (size_t i = 0; i < sizeof(lifted) / sizeof(lifted[0]); i++)
		lift(lifted[i]);
	stop_timers();
	process_raise_fd_limit();
	prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	disable_core_dumps();
	avoid_oom_killer();
	sched_setscheduler(0, SCHED_OTHER, &usual);
	setpriority(PRIO_PROCESS, 0, 0);
	umask(0);
}
