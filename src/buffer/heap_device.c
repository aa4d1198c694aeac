// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/heap_device.h"

#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static bool is_missing(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ENODEV || error == -ENXIO;
}

static int explain(int error, const char *path, const struct heap_device_advice *advice,
		   char why[static 256])
{
	if (error == -EACCES || error == -EPERM)
		snprintf(why, 256, "no permission for %.80s: %s", path, advice->no_permission);
	else if (is_missing(error))
		snprintf(why, 256, "there is no %.80s: %s", path, advice->missing);
	else
		snprintf(why, 256, "can't open %.80s: %s", path, strerror(-error));
	return error;
}

int heap_device_open(struct heap_device **opened, const char *path, const struct heap_ops *ops,
		     const struct heap_device_advice *advice, char why[static 256])
{
	scope(fd) int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return explain(-errno, path, advice, why);
	struct heap_device *device = calloc(1, sizeof(*device));

	if (!device) {
		snprintf(why, 256, "out of memory");
		return -ENOMEM;
	}
	device->heap.ops = ops;
	device->fd = steal_fd(&fd);
	*opened = device;
	return 0;
}

void heap_device_destroy(struct heap *heap)
{
	close_fd(heap_device_fd(heap));
	free(heap);
}
