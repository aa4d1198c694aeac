/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tmpfs that is attached nowhere: it is gone with its last open file. */
#ifndef UTIL_PRIVATE_TMPFS_H
#define UTIL_PRIVATE_TMPFS_H

#include <stdbool.h>
#include <stdint.h>

struct tmpfs_option {
	const char *key;   /* NULL ends a list */
	const char *value; /* NULL: it is left out, unless it is a flag */
	bool flag;
	bool optional; /* kernels that refuse it are fine */
};

/*
 * Makes one with these options and, besides nosuid, nodev and noexec, MOUNT_ATTR_*
 * @attributes. Returns an O_PATH fd of its mount, or -errno with the reason in @why.
 */
int private_tmpfs(const struct tmpfs_option *options, unsigned int attributes,
		  char why[static 256]);

/* Large pages for maps that ask for them, if @huge is NULL. Kernels without them refuse it. */
struct tmpfs_option private_tmpfs_huge(const char *huge);

/* Returns an fd of the root for reading its entries, or -errno. */
int private_tmpfs_root(int mount);

/* Changes the limit of its memory. -EBUSY if more is in use. */
int private_tmpfs_resize(int root, uint64_t bytes);

#endif
