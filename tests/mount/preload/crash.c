// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes the daemon crash when it is asked for a directory with the name "crash", each time,
 * or with the name "crash-once", the first time; when a copy reads a file that begins with
 * the word "crash", each time; and before it serves, if there is the file that
 * CRASH_AT_START names.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

static void crash(void)
{
	*(volatile char *)NULL = 0;
}

/* The loop of requests makes one. */
int eventfd(unsigned int value, int flags)
{
	static int (*next)(unsigned int value, int flags);
	const char *name = getenv("CRASH_AT_START");

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "eventfd");
	if (name && !access(name, F_OK))
		crash();
	return next(value, flags);
}

int mkdirat(int directory, const char *name, mode_t mode)
{
	static int (*next)(int directory, const char *name, mode_t mode);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "mkdirat");
	if (!strcmp(name, "crash"))
		crash();
	const int result = next(directory, name, mode);

	if (!result && !strcmp(name, "crash-once"))
		crash();
	return result;
}

static ssize_t read_file(int file, void *data, size_t size, off64_t offset)
{
	static ssize_t (*next)(int file, void *data, size_t size, off64_t offset);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pread64");
	return next(file, data, size, offset);
}

/* The two calls of a copy. */
ssize_t pread64(int file, void *data, size_t size, off64_t offset)
{
	const ssize_t n = read_file(file, data, size, offset);

	if (n > 5 && !memcmp(data, "crash", 5))
		crash();
	return n;
}

ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t size,
			unsigned int flags)
{
	static ssize_t (*next)(int from, off64_t *from_offset, int to, off64_t *to_offset,
			       size_t size, unsigned int flags);
	char start[5];

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "copy_file_range");
	if (read_file(from, start, 5, 0) == 5 && !memcmp(start, "crash", 5))
		crash();
	return next(from, from_offset, to, to_offset, size, flags);
}
