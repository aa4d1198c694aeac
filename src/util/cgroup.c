// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/cgroup.h"

#include "util/scope.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* For the process itself: its threads, their buffers, the kernel's objects. */
#define RESERVE_MOST (16u << 20)
#define RESERVE_PART 4 /* of a low limit */

static const struct version {
	const char *controllers; /* in /proc/self/cgroup */
	const char *mount;
	const char *limit, *usage;
	const char *cache[2];
} versions[] = {
	{":memory:",
	 "/sys/fs/cgroup/memory",
	 "memory.limit_in_bytes",
	 "memory.usage_in_bytes",
	 {"\ntotal_inactive_file ", "\ntotal_active_file "}},
	{"0::",
	 "/sys/fs/cgroup",
	 "memory.max",
	 "memory.current",
	 {"\ninactive_file ", "\nactive_file "}},
};

/* Reads a small file of the control group's directory into @text. */
static bool read_text(int file, char *text, size_t size)
{
	const ssize_t length = file < 0 ? -1 : pread(file, text, size - 1, 0);

	text[length < 0 ? 0 : length] = '\0';
	return length > 0;
}

/* UINT64_MAX if there is none, or "max". */
static uint64_t read_number(int file)
{
	char text[32];
	uint64_t number = UINT64_MAX;

	if (read_text(file, text, sizeof(text)))
		sscanf(text, "%" SCNu64, &number);
	return number;
}

static int open_below(const char *directory, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Version 1 tells "none" by a number near INT64_MAX. */
static bool is_limit(uint64_t limit)
{
	return limit < INT64_MAX / 2;
}

static void add_level(struct cgroup *cgroup, const struct version *version, const char *directory)
{
	scope(fd) int limit = open_below(directory, version->limit);
	struct cgroup_level level = {
		.limit = read_number(limit),
		.cache = {version->cache[0], version->cache[1]},
	};

	if (!is_limit(level.limit) || cgroup->count == CGROUPS)
		return;
	level.usage = open_below(directory, version->usage);
	level.stat = open_below(directory, "memory.stat");
	cgroup->level[cgroup->count++] = level;
	if (level.limit < cgroup->limit)
		cgroup->limit = level.limit;
}

/* @path is the group's, from the root that this process may see, such as "/user.slice". */
static void add_levels(struct cgroup *cgroup, const struct version *version, const char *path)
{
	char directory[PATH_MAX];
	const size_t root = strlen(version->mount);

	if (snprintf(directory, sizeof(directory), "%s%s", version->mount, path) >=
	    (int)sizeof(directory))
		return;
	for (char *end = NULL; strlen(directory) > root; *end = '\0') {
		add_level(cgroup, version, directory);
		end = strrchr(directory, '/');
	}
	add_level(cgroup, version, version->mount);
}

void cgroup_init(struct cgroup *cgroup)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];

	*cgroup = (struct cgroup){.limit = UINT64_MAX};
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
			const char *found = strstr(line, versions[i].controllers);

			if (found)
				add_levels(cgroup, &versions[i],
					   found + strlen(versions[i].controllers));
		}
	}
	if (file)
		fclose(file);
}

void cgroup_finish(struct cgroup *cgroup)
{
	for (unsigned i = 0; i < cgroup->count; i++) {
		close_fd(cgroup->level[i].usage);
		close_fd(cgroup->level[i].stat);
	}
	*cgroup = (struct cgroup){.limit = UINT64_MAX};
}

/* Page cache, which the kernel frees when memory is short. */
static uint64_t read_cache(const struct cgroup_level *level)
{
	char text[8192];
	uint64_t sum = 0;

	if (!read_text(level->stat, text, sizeof(text)))
		return 0;
	for (size_t i = 0; i < 2; i++) {
		const char *found = strstr(text, level->cache[i]);

		if (found)
			sum += strtoull(found + strlen(level->cache[i]), NULL, 10);
	}
	return sum;
}

static bool has_room(const struct cgroup_level *level, uint64_t bytes)
{
	const uint64_t part = level->limit / RESERVE_PART;
	const uint64_t wanted = bytes + (part < RESERVE_MOST ? part : RESERVE_MOST);
	const uint64_t used = read_number(level->usage);

	if (used == UINT64_MAX || used + wanted <= level->limit)
		return true;
	const uint64_t cache = read_cache(level);

	return used - (cache < used ? cache : used) + wanted <= level->limit;
}

int cgroup_enter(struct cgroup *cgroup, uint64_t bytes)
{
	if (!cgroup->count)
		return 0;
	const uint64_t reserved = atomic_fetch_add(&cgroup->reserved, bytes) + bytes;

	for (unsigned i = 0; i < cgroup->count; i++) {
		if (has_room(&cgroup->level[i], reserved))
			continue;
		cgroup->reserved -= bytes;
		return -ENOSPC;
	}
	return 0;
}

void cgroup_leave(struct cgroup *cgroup, uint64_t bytes)
{
	if (cgroup->count)
		cgroup->reserved -= bytes;
}
