// SPDX-License-Identifier: GPL-2.0-or-later
/* resize: changes size= of a mount that is in use. */
#include "ctl/ctl.h"
#include "util/number.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

static enum ctl_exit explain(const char *mount, const char *size)
{
	switch (errno) {
	case EBUSY:
		return ctl_fail("%s: more than %s is in use; remove files first", mount, size);
	case EPERM:
	case EACCES:
		return ctl_fail("%s: only root and the user who mounted it may resize it, and by "
				"its mountpoint",
				mount);
	case ENOTSUP:
		return ctl_fail("%s is not a dmaheapfs mount", mount);
	default:
		return ctl_fail("%s: %s", mount, strerror(errno));
	}
}

enum ctl_exit ctl_resize(int argc, char *argv[])
{
	uint64_t bytes;

	if (argc != 3) {
		ctl_fail("resize needs MOUNT and SIZE; see: dmaheapctl --help");
		return CTL_USAGE;
	}
	if (parse_size(argv[2], &bytes)) {
		ctl_fail("%s is not a size; use bytes, 512m, 4g or 50%%", argv[2]);
		return CTL_USAGE;
	}
	if (getxattr(argv[1], "user.dmaheap.heap", NULL, 0) < 0)
		return errno == ENODATA || errno == ENOTSUP
			       ? ctl_fail("%s is not a dmaheapfs mount", argv[1])
			       : ctl_fail("%s: %s", argv[1], strerror(errno));
	if (setxattr(argv[1], "user.dmaheap.size", argv[2], strlen(argv[2]), 0))
		return explain(argv[1], argv[2]);
	return CTL_DONE;
}
