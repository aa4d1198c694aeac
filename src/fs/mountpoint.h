/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is at the place where a mount is wanted. */
#ifndef FS_MOUNTPOINT_H
#define FS_MOUNTPOINT_H

#define MOUNT_TYPE "dmaheapfs"

/*
 * Makes @path ready to be mounted on, or says in @why what is in the way: it
 * is missing, no directory, or has a live mount of ours. A dead one, left
 * behind by a killed daemon, is taken away. Returns the absolute path, which
 * the caller frees; NULL with errno set on failure.
 */
char *mountpoint_prepare(const char *path, char why[static 256]);

#endif
