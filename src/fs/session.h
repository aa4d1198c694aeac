/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One mount's life: attached, served, detached. */
#ifndef FS_SESSION_H
#define FS_SESSION_H

#include "fs/fs.h"

struct session_options {
	const char *mountpoint;
	const char *fsname;
	const char *mount_flags; /* "ro,nosuid", or NULL */
	bool allow_other;
	bool debug;
};

/*
 * Attaches @fs. A dead mount of ours in the way is replaced. On failure -errno;
 * @why then holds one line that says what to do, or nothing where libfuse has
 * already logged one. Nothing is left mounted.
 */
int session_mount(struct fuse_session **session, struct fs *fs,
		  const struct session_options *options, char why[static 256]);

/*
 * Serves until unmounted or told to stop by a signal. The calling process is
 * forked into the background before, unless @foreground. Copies that are under
 * way at the end are cut short and answered. 0 or -errno.
 */
int session_serve(struct fuse_session *session, struct fs *fs, bool foreground);

/* Detaches if that is still to be done. */
void session_finish(struct fuse_session *session, struct fs *fs);

#endif
