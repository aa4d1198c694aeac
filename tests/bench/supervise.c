// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The worker is the first process of a pid namespace, in a mount namespace of
 * its own: when it is gone, so are the daemons, the tools and the mounts.
 */
#include "bench.h"
#include "util/scope.h"

#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

static volatile pid_t worker;
static volatile sig_atomic_t ended_by;

static void end_worker(int signal)
{
	ended_by = signal;
	if (worker > 0)
		kill(worker, SIGKILL);
}

/* For rivals that keep a file open for each that the kernel knows. */
static void allow_many_files(void)
{
	const struct rlimit many = {1 << 20, 1 << 20};

	setrlimit(RLIMIT_NOFILE, &many);
}

static int be_alone(void)
{
	allow_many_files();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	return mount("proc", "/proc", "proc", 0, NULL) ? -errno : 0;
}

static _Noreturn void work_alone(struct bench *bench, int (*work)(struct bench *bench))
{
	int error = be_alone();

	if (error)
		fprintf(stderr, "dmaheap-bench: cannot make mounts of its own: %s\n",
			strerror(-error));
	else
		error = work(bench);
	fflush(NULL);
	_exit(error ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static void catch (int signal)
{
	const struct sigaction action = {.sa_handler = end_worker, .sa_flags = SA_RESTART};

	sigaction(signal, &action, NULL);
}

void remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int make_dir(struct bench *bench)
{
	snprintf(bench->work, sizeof(bench->work), "%s/dmaheap-bench.XXXXXX", bench->settings.dir);
	if (!mkdtemp(bench->work)) {
		fprintf(stderr, "dmaheap-bench: %s: %s\n", bench->work, strerror(errno));
		return -1;
	}
	snprintf(bench->files, sizeof(bench->files), "%s/files", bench->work);
	return 0;
}

/* The worker's wait status. */
static int watch_worker(struct bench *bench, int (*work)(struct bench *bench))
{
	int status;

	catch (SIGINT);
	catch (SIGTERM);
	catch (SIGHUP);
	fflush(NULL);
	worker = fork();
	if (worker == 0)
		work_alone(bench, work);
	if (worker < 0 || waitpid(worker, &status, 0) < 0)
		status = EXIT_FAILURE << 8;
	return status;
}

int supervise(struct bench *bench, int (*work)(struct bench *bench))
{
	if (unshare(CLONE_NEWPID)) {
		fprintf(stderr, "dmaheap-bench: %s\n",
			errno == EPERM ? "mounts need root" : strerror(errno));
		return EXIT_FAILURE;
	}
	if (make_dir(bench))
		return EXIT_FAILURE;
	const int status = watch_worker(bench, work);

	remove_tree(bench->work);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return 128 + (ended_by ?: WTERMSIG(status));
}
