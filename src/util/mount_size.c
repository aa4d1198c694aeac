// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/mount_size.h"

#include "util/explain.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

int mount_check(const char *mountpoint, char why[static 256])
{
	if (getxattr(mountpoint, "user.dmaheap.heap", NULL, 0) >= 0)
		return 0;
	if (errno == ENODATA || errno == ENOTSUP)
		return explain(why, -errno, "%s is not a dmaheapfs mount", mountpoint);
	return explain(why, -errno, "%s: %s", mountpoint, strerror(errno));
}

int mount_resize(const char *mountpoint, const char *size, char why[static 256])
{
	if (!setxattr(mountpoint, MOUNT_SIZE_ATTRIBUTE, size, strlen(size), 0))
		return 0;
	if (errno == EBUSY)
		return explain(why, -EBUSY, "%s: more than %s is in use; remove files first",
			       mountpoint, size);
	if (errno == EPERM || errno == EACCES)
		return explain(why, -errno,
			       "%s: only root and the mounting user may change the size, and only "
			       "of the mountpoint",
			       mountpoint);
	return explain(why, -errno, "%s: the size cannot be changed: %s", mountpoint,
		       strerror(errno));
}
