// SPDX-License-Identifier: GPL-2.0-or-later
#include "upgrade.h"

#include "fs/restore.h"
#include "fs/saved.h"
#include "util/log.h"
#include "util/scope.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define VARIABLE "DMAHEAPFS_TAKE_OVER"

extern char **environ;

static char program[PATH_MAX];

void upgrade_remember_program(void)
{
	const ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	program[length > 0 ? length : 0] = '\0';
}

int upgrade_taken_fd(void)
{
	const char *text = getenv(VARIABLE);
	const int fd = text ? atoi(text) : -1;

	unsetenv(VARIABLE);
	return fd > STDERR_FILENO ? fd : -1;
}

void upgrade_note(struct fs *fs)
{
	struct saved_handover *handover = &fs->saved->head->handover;

	handover->device = fs->kernel.device;
	handover->files = heap_files_of(fs->heap);
	handover->tree = tree_hand_over(&fs->tree);
	handover->source =
		fs->source ? source_hand_over(fs->source) : (struct source_handover){-1, -1};
	handover->since = fs->since;
	snprintf(handover->heap, sizeof(handover->heap), "%s", fs->heap->name);
	snprintf(handover->mountpoint, sizeof(handover->mountpoint), "%s", fs->mountpoint);
}

/* --- is it possible? ----------------------------------------------------------------- */

/* A program that hangs must not keep the supervisor from its worker. */
enum { ANSWER_WAITS = 30, ANSWER_WAIT_MS = 100 };

static void read_answer(int from, char *text, size_t size)
{
	struct pollfd polled = {.fd = from, .events = POLLIN};
	size_t length = 0;
	ssize_t n = 1;

	/* Signals interrupt it. */
	for (int waits = 0; waits < ANSWER_WAITS && n > 0; waits++) {
		if (poll(&polled, 1, ANSWER_WAIT_MS) <= 0)
			continue;
		n = read(from, text + length, size - 1 - length);
		length += n > 0 ? (size_t)n : 0;
	}
	text[length] = '\0';
}

/* Runs "program --version" and returns what it prints, in @text. */
static void ask_version(char *text, size_t size)
{
	int ends[2];

	text[0] = '\0';
	if (pipe2(ends, O_CLOEXEC))
		return;
	const pid_t child = fork();

	if (!child) {
		setpgid(0, 0);
		dup2(ends[1], STDOUT_FILENO);
		execl(program, program, "--version", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	if (child > 0) {
		read_answer(ends[0], text, size);
		/* With its children. */
		kill(-child, SIGKILL);
	}
	close(ends[0]);
}

bool upgrade_is_possible(const struct fs *fs)
{
	char text[512], wanted[64];

	if (fs->saved->file < 0) {
		log_error("the limit of file sizes of the starter does not allow an upgrade");
		return false;
	}
	ask_version(text, sizeof(text));
	snprintf(wanted, sizeof(wanted), "state %016" PRIx64 "\n", saved_layout());
	if (strstr(text, wanted))
		return true;
	log_error("%s cannot go on with this mount: its state has another layout; unmount it and "
		  "mount it again",
		  program);
	return false;
}

/* --- the change ------------------------------------------------------------------------ */

/* 0 or -ENOMEM: then not all are set. */
static int set_close_on_exec(struct fs *fs, int flag)
{
	const struct saved_handover *handover = &fs->saved->head->handover;
	const int others[] = {
		fs->saved->file,       handover->device,	 handover->files,
		handover->tree.mount,  handover->tree.read_only, handover->source.origin,
		handover->source.root,
	};
	scope(fd_list) struct fd_list fds = {};

	const int error = restore_list_fds(fs->saved, &fds);

	for (size_t i = 0; i < fds.count; i++)
		fcntl(fds.fds[i], F_SETFD, flag);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		fcntl(others[i], F_SETFD, flag);
	return error;
}

void upgrade_close_on_exec(struct fs *fs)
{
	set_close_on_exec(fs, FD_CLOEXEC);
}

int upgrade_run(struct fs *fs, char *argv[])
{
	char text[16];
	int error = set_close_on_exec(fs, 0);

	snprintf(text, sizeof(text), "%d", fs->saved->file);
	setenv(VARIABLE, text, 1);
	if (!error) {
		execve(program, argv, environ);
		error = -errno;
	}
	set_close_on_exec(fs, FD_CLOEXEC);
	unsetenv(VARIABLE);
	return error;
}
