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

static _Noreturn void become_tool(const struct job *job)
{
	const int null = open("/dev/null", O_RDWR);
	const int output =
		job->output ? open(job->output, O_WRONLY | O_CREAT | O_TRUNC, 0644) : null;

	dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	if (output >= 0)
		execvp(job->argv[0], (char *const *)(uintptr_t)job->argv);
	fprintf(stderr, "%s: %s\n", output < 0 ? job->output : job->argv[0], strerror(errno));
	_exit(127);
}

static double seconds_of(struct timeval time)
{
	return time.tv_sec + time.tv_usec / 1e6;
}

int run_tool(const struct place *place, const struct job *job, struct usage *usage)
{
	const double cpu = place_cpu(place), start = now();
	struct rusage used;
	int status;

	*usage = (struct usage){};
	const pid_t pid = vfork();

	if (pid == 0)
		become_tool(job);
	if (pid < 0 || wait4(pid, &status, 0, &used) < 0)
		return -errno;
	usage->seconds = now() - start;
	usage->cpu = seconds_of(used.ru_utime) + seconds_of(used.ru_stime) + place_cpu(place) - cpu;
	return status ? -EIO : 0;
}

bool has_tool(const char *name)
{
	const char *at = getenv("PATH") ?: "";
	char path[PATH_MAX];

	while (*at) {
		const int length = (int)strcspn(at, ":");

		snprintf(path, sizeof(path), "%.*s/%s", length, at, name);
		if (!access(path, X_OK))
			return true;
		at += length + !!at[length];
	}
	return false;
}

int forget_pages(const char *path)
{
	scope(fd) int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0 || fdatasync(file))
		return -errno;
	return -posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

int drop_caches(void)
{
	scope(fd) int file = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	sync();
	return file < 0 || write(file, "3", 1) < 0 ? -errno : 0;
}

int drop_caches_but(const char *program)
{
	const struct job help = {.argv = (const char *const[]){program, "--help", NULL}};
	const struct place nowhere = {};
	struct usage usage;

	return drop_caches() ?: run_tool(&nowhere, &help, &usage);
}

int touch_memory(uint64_t size)
{
	const uint64_t room = memory_field("MemAvailable") / 8 * 7;
	scope(fd) int file = memfd_create("dmaheap-bench", MFD_CLOEXEC);
	scope(free) char *chunk = calloc(1, CHUNK);

	if (file < 0 || !chunk)
		return -ENOMEM;
	for (uint64_t left = size < room ? size : room; left >= CHUNK; left -= CHUNK)
		if (write(file, chunk, CHUNK) < 0)
			return -errno;
	return 0;
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
