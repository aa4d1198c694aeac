/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directory to mount on. */
#ifndef FS_MOUNTPOINT_H
#define FS_MOUNTPOINT_H

#define MOUNT_TYPE "dmaheapfs"

/*
 * Checks that @path can be mounted on: it is a directory, and not mounted by us already.
 * A stale mount, left by a killed daemon, is unmounted. Returns the absolute path, which the
 * caller frees. On failure returns NULL with errno set and the reason in @why.
 */
char *mountpoint_prepare(const char *path, char why[static 256]);

#endif
