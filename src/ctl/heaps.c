// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/heap.h"
#include "ctl/ctl.h"

#include <stdio.h>

static void print_heap(void *context, const char *name, bool usable, const char *text)
{
	(void)context;
	printf("%-20s %-4s %s\n", name, usable ? "yes" : "no", text);
}

enum ctl_exit ctl_heaps(int argc, char *argv[])
{
	if (argc > 1) {
		ctl_fail("%s takes no arguments; see: dmaheapctl --help", argv[0]);
		return CTL_USAGE;
	}
	printf("%-20s %-4s %s\n", "HEAP", "NOW", "DESCRIPTION OR REQUIREMENT");
	heap_list("/dev", print_heap, NULL);
	return CTL_DONE;
}
