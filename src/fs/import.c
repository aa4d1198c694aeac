// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/import.h"

#include "fs/file.h"
#include "util/scope.h"

#include <fcntl.h>

/* Who brings it, and the ticket. */
#define OWN_OPENS 2

/* Opens that were answered before would go on with the memory that was there. */
static bool is_open_elsewhere(struct node *node)
{
	with_lock(&node->lock);
	return node->opens > OWN_OPENS;
}

int import_take(void *context, void *target, int fd)
{
	struct node *node = target;

	(void)context;
	if (!dmabuf_is(fd))
		return -EINVAL;
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR)
		return -EACCES;
	if (buffer_capacity(node->buffer))
		return -EEXIST;
	if (is_open_elsewhere(node))
		return -EBUSY;
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		return -errno;
	return buffer_import(node->buffer, own);
}

void import_end(void *context, void *target)
{
	file_drop(context, target);
}
