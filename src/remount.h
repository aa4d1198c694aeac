/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mount -o remount: changes a mount that another process serves. */
#ifndef REMOUNT_H
#define REMOUNT_H

#include "options.h"

/*
 * Changes size=, and the mount's flags that are given. Other options have no effect: mount(8)
 * passes those of fstab, too. 0 or -errno, with one line in @why.
 */
int remount(const struct options *options, char why[static 256]);

#endif
