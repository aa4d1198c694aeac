// SPDX-License-Identifier: GPL-2.0-or-later
/* import: makes a dma-buf, passed as an fd, the memory of a new file. */
#include "ctl/ctl.h"
#include "lib/dmaheapfs.h"
#include "util/number.h"

#include <fcntl.h>
#include <getopt.h>
#include <stddef.h>

#define DEFAULT_FD 3

static enum ctl_exit import(const char *path, int fd)
{
	if (fcntl(fd, F_GETFD) < 0)
		return ctl_fail("fd %d is not open; pass the dma-buf as this fd", fd);
	const int error = dmaheap_import(path, fd);

	return error ? ctl_fail("%s: %s", path, dmaheap_strerror(error)) : CTL_DONE;
}

enum ctl_exit ctl_import(int argc, char *argv[])
{
	static const struct option words[] = {{"fd", required_argument, NULL, 'f'}, {}};
	int letter, fd = DEFAULT_FD;

	while ((letter = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (letter != 'f')
			return CTL_USAGE;
		fd = parse_whole(optarg);
	}
	if (fd < 0 || optind != argc - 1) {
		ctl_fail("import needs FILE; see: dmaheapctl --help");
		return CTL_USAGE;
	}
	return import(argv[optind], fd);
}
