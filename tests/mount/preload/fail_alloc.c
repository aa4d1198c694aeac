// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A library to be preloaded: it lets one allocation fail. FAIL_ALLOC names a file with an
 * int: at each allocation of the process it is counted down, and the allocation that brings
 * it to 0 fails. So a test sets it at any time, and sees whether it was reached.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void *aligned_alloc(size_t alignment, size_t size);

static _Atomic int *countdown;

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("FAIL_ALLOC");
	const int file = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
	void *map = file < 0 ? MAP_FAILED
			     : mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	if (map != MAP_FAILED)
		countdown = map;
	if (file >= 0)
		close(file);
}

static bool fails(void)
{
	if (!countdown || *countdown <= 0 || --*countdown)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}
