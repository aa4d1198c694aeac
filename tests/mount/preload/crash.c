// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes the daemon crash when it is asked for a directory with the name "crash", each time,
 * or with the name "crash-once", the first time.
 */
#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void crash(void)
{
	*(volatile char *)NULL = 0;
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
