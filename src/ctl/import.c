// SPDX-License-Identifier: GPL-2.0-or-later
/* import: a dma-buf that somebody else has made becomes a file. */
#include "ctl/ctl.h"
#include "lib/dmaheapfs.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>

#define USUAL_FD 3

static int parse_fd(const char *text)
{
	char *end;
	const long fd = strtol(text, &end, 10);

	return *end || end == text || fd < 0 || fd > 1 << 20 ? -1 : (int)fd;
}

static enum ctl_exit import(const char *path, int fd)
{
	if (fcntl(fd, F_GETFD) < 0)
		return ctl_fail("fd %d is not open: hand the dma-buf over as that", fd);
	const int error = dmaheap_import(path, fd);

	return error ? ctl_fail("%s: %s", path, dmaheap_strerror(error)) : CTL_DONE;
}

enum ctl_exit ctl_import(int argc, char *argv[])
{
	static const struct option words[] = {{"fd", required_argument, NULL, 'f'}, {}};
	int letter, fd = USUAL_FD;

	while ((letter = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (letter != 'f')
			return CTL_USAGE;
		fd = parse_fd(optarg);
	}
	if (fd < 0 || optind != argc - 1) {
		ctl_fail("import wants [--fd N] FILE; see: dmaheapctl --help");
		return CTL_USAGE;
	}
	return import(argv[optind], fd);
}
