// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes the daemon wait before each answer to a request, so that a kill is likely to come
 * between the work and the answer. SLOW_ANSWERS_US is the time.
 */
#include <dlfcn.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned delay(void)
{
	const char *text = getenv("SLOW_ANSWERS_US");

	return text ? (unsigned)atoi(text) : 0;
}

/* The daemon writes nothing else in this way. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
	static ssize_t (*next)(int fd, const struct iovec *parts, int count);
	const struct fuse_out_header *header = parts[0].iov_base;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "writev");
	if (parts[0].iov_len >= sizeof(*header) && header->unique)
		usleep(delay());
	return next(fd, parts, count);
}
