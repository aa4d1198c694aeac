// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes the daemon crash when it is asked for a directory with the name "crash", each time,
 * or with the name "crash-once", the first time; and before it serves, if there is the file
 * that CRASH_AT_START names.
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
