/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a mount whose process was killed, made again from what was saved. To be called
 * before any thread of the new process is started.
 */
#ifndef FS_RESTORE_H
#define FS_RESTORE_H

#include "fs/fs.h"
#include "util/fd_list.h"

/*
 * Makes inodes, open files and buffers again, and notes the fds that only the killed process
 * needed. @own are the fds that the process has had from the beginning. 0, or -errno: the
 * state makes no sense, or there is no memory.
 */
int restore(struct fs *fs, const struct fd_list *own);

/* Adds the fds that records have. 0 or -ENOMEM: then some are missing. */
int restore_list_fds(struct saved *saved, struct fd_list *fds);

/* Closes the noted fds. The requests that were in progress may still have needed them. */
void restore_end(struct fs *fs);

#endif
