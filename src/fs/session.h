/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a mount: mounted, served, unmounted. */
#ifndef FS_SESSION_H
#define FS_SESSION_H

#include "fs/fs.h"
#include "util/fd_list.h"

struct session_options {
	const char *mountpoint;
	const char *fsname;
	const char *mount_flags; /* "ro,nosuid", or NULL */
	bool nosymfollow;
	bool allow_other;
	bool debug;
};

/*
 * Mounts @fs, in place of a stale mount of ours. On failure -errno, with nothing mounted;
 * @why then holds one line, or is empty if libfuse has logged one.
 */
int session_mount(struct fs *fs, const struct session_options *options, char why[static 256]);

/* The same for a mount of another program, whose device is @device. */
int session_take_over(struct fs *fs, const struct session_options *options, int device,
		      char why[static 256]);

/*
 * Goes into the background, unless @foreground or @is_detached already, and gives up
 * privileges. 0 or -errno.
 */
int session_detach(bool foreground, bool is_detached);

/*
 * Serves until the mount is unmounted or a signal ends it, in place of earlier processes if
 * there were any. Copies in progress at the end are cancelled and answered. @own are the fds
 * that are no earlier process's. 0 or -errno.
 */
int session_serve(struct fs *fs, const struct fd_list *own);

/* Unmounts, if it is still mounted, and frees the session. */
void session_finish(struct fs *fs);

#endif
