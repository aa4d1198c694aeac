/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state that a process inherits from its starter, and that must not matter. */
#ifndef UTIL_PROCESS_H
#define UTIL_PROCESS_H

#include <sys/resource.h>

/*
 * Opens the standard descriptors that are closed, on /dev/null. Else the next file opened
 * gets the number, and messages are written into it. Call it before anything is opened.
 * 0 or -errno.
 */
int process_open_std_fds(void);

/* Closes all descriptors but the standard ones. */
void process_close_fds(void);

/*
 * Unblocks all signals, and gives those that are ignored their default action, except
 * SIGHUP, which nohup(1) ignores on purpose. SIGXFSZ is ignored: a write beyond
 * RLIMIT_FSIZE fails with EFBIG.
 */
void process_reset_signals(void);

/* Gives SIGXFSZ its default action again, for a program that is executed next. */
void process_restore_signals(void);

/* Raises the soft limit of open files to the hard one. Returns the limit as it was. */
struct rlimit process_raise_fd_limit(void);

/*
 * For a daemon that serves others: lifts the limits that would end it or its work, as far
 * as it is allowed to, stops timers, and resets scheduling, huge pages and umask. A core dump would
 * contain the users' data, so there is none. The kernel's OOM killer spares the process.
 */
void process_reset_limits(void);

#endif
