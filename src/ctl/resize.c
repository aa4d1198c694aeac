// SPDX-License-Identifier: GPL-2.0-or-later
/* resize: changes size= of a mount that is in use. */
#include "ctl/ctl.h"
#include "util/mount_size.h"
#include "util/number.h"

enum ctl_exit ctl_resize(int argc, char *argv[])
{
	uint64_t bytes;
	char why[256];

	if (argc != 3) {
		ctl_fail("resize needs MOUNT and SIZE; see: dmaheapctl --help");
		return CTL_USAGE;
	}
	if (parse_size(argv[2], &bytes)) {
		ctl_fail("%s is not a size; use bytes, 512m, 4g or 50%%", argv[2]);
		return CTL_USAGE;
	}
	if (mount_check(argv[1], why) || mount_resize(argv[1], argv[2], why))
		return ctl_fail("%s", why);
	return CTL_DONE;
}
