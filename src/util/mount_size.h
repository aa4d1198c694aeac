/* SPDX-License-Identifier: GPL-2.0-or-later */
/* size= of a mount that is in use, for the programs that change it. */
#ifndef UTIL_MOUNT_SIZE_H
#define UTIL_MOUNT_SIZE_H

/* An attribute of the mount's root, to be set to a text as in size=. */
#define MOUNT_SIZE_ATTRIBUTE "user.dmaheap.size"

/* Checks that @mountpoint is on a dmaheapfs mount: 0, or -errno with the reason in @why. */
int mount_check(const char *mountpoint, char why[static 256]);

/* Sets it: 0, or -errno with the reason in @why. -EBUSY if more than @size is in use. */
int mount_resize(const char *mountpoint, const char *size, char why[static 256]);

#endif
