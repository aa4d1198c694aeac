// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools.h"

#include "sample.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define CHUNK (1u << 20)

static _Noreturn void become_tool(const char *const argv[])
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static double seconds_of(struct timeval time)
{
	return time.tv_sec + time.tv_usec / 1e6;
}

int run_tool(const struct place *place, const char *const argv[], struct usage *usage)
{
	const double cpu = place_cpu(place), start = now();
	const pid_t pid = vfork();
	struct rusage used;
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		become_tool(argv);
	if (wait4(pid, &status, 0, &used) < 0)
		return -errno;
	usage->seconds = now() - start;
	usage->cpu = seconds_of(used.ru_utime) + seconds_of(used.ru_stime) + place_cpu(place) - cpu;
	return status ? -EIO : 0;
}

/* xorshift64: neither compressible nor the same twice. */
static void fill_with_noise(uint64_t *words, size_t count, uint64_t *state)
{
	for (size_t i = 0; i < count; i++) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		words[i] = *state;
	}
}

int make_file(const char *path, uint64_t size)
{
	scope(fd) int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	scope(free) uint64_t *chunk = malloc(CHUNK);
	uint64_t state = 88172645463325252;

	if (file < 0)
		return -errno;
	if (!chunk)
		return -ENOMEM;
	while (size) {
		const size_t piece = size < CHUNK ? size : CHUNK;

		fill_with_noise(chunk, CHUNK / sizeof(*chunk), &state);
		ssize_t count = write(file, chunk, piece);

		if (count < 0)
			return -errno;
		size -= count;
	}
	return 0;
}

int forget_pages(const char *path)
{
	scope(fd) int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0 || fdatasync(file))
		return -errno;
	return -posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

int load_pages(const char *path)
{
	scope(fd) int file = open(path, O_RDONLY | O_CLOEXEC);
	scope(free) char *chunk = malloc(CHUNK);
	ssize_t count = 1;

	if (!chunk)
		return -ENOMEM;
	while (file >= 0 && count > 0)
		count = read(file, chunk, CHUNK);
	return file < 0 || count < 0 ? -errno : 0;
}

int drop_names(void)
{
	scope(fd) int file = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	return file < 0 || write(file, "2", 1) < 0 ? -errno : 0;
}

int warm_memory(uint64_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	madvise(memory, size, MADV_HUGEPAGE);
	int error = madvise(memory, size, MADV_POPULATE_WRITE) ? -errno : 0;

	munmap(memory, size);
	return error;
}

uint64_t memory_field(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char field[64];
	unsigned long kib;
	uint64_t found = 0;

	while (file && !found && fscanf(file, "%63[^:]: %lu%*[^\n]\n", field, &kib) == 2)
		if (!strcmp(field, name))
			found = (uint64_t)kib * 1024;
	if (file)
		fclose(file);
	return found;
}
