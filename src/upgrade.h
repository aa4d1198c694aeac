/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another program goes on with a mount: a newly installed version, in the same process, by
 * execve(2). It finds the fds open, and the shared memory by the environment.
 */
#ifndef UPGRADE_H
#define UPGRADE_H

#include "fs/fs.h"

/* Remembers the program's file, which may be replaced later. Call it first. */
void upgrade_remember_program(void);

/* The fd of the shared memory that this program is to go on with; -1: none. */
int upgrade_taken_fd(void);

/* Notes in the shared memory what the next program needs. */
void upgrade_note(struct fs *fs);

/* Whether the program's file can read the shared memory. If not, the log has the reason. */
bool upgrade_is_possible(const struct fs *fs);

/* Runs the program's file. Returns only if that fails: -errno. */
int upgrade_run(struct fs *fs, char *argv[]);

/* Makes the fds that were passed close again at the next execve(2). */
void upgrade_close_on_exec(struct fs *fs);

#endif
