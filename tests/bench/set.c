// SPDX-License-Identifier: GPL-2.0-or-later
#include "set.h"

#include "bench.h"
#include "pattern.h"
#include "tools.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK (1u << 20)

/* For a small file less than a chunk: to map a megabyte takes longer than to read it. */
static size_t chunk_for(uint64_t size)
{
	return size < CHUNK ? size + 1 : CHUNK;
}

static int make_file(const char *path, uint64_t size, uint64_t owner)
{
	scope(fd) int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	const size_t room = chunk_for(size);
	scope(free) char *chunk = malloc(room);

	if (file < 0)
		return -errno;
	if (!chunk)
		return -ENOMEM;
	for (uint64_t done = 0; done < size; done += room) {
		const size_t piece = size - done < room ? size - done : room;

		pattern_fill(chunk, owner, done, piece);
		const ssize_t count = write(file, chunk, piece);

		if (count != (ssize_t)piece)
			return count < 0 ? -errno : -ENOSPC;
	}
	return 0;
}

static int wrong(struct bench *bench, const char *path, uint64_t position)
{
	snprintf(bench->why, sizeof(bench->why), "%.200s has wrong bytes at %llu", path,
		 (unsigned long long)position);
	return -EBADMSG;
}

/* How much of a chunk there is: less only at the end. */
static ssize_t read_chunk(int file, char *chunk, size_t room, uint64_t position)
{
	size_t done = 0;
	ssize_t count = 1;

	while (done < room && count > 0) {
		count = pread(file, chunk + done, room - done, position + done);
		done += count > 0 ? count : 0;
	}
	return count < 0 ? -errno : (ssize_t)done;
}

static int check_file(struct bench *bench, const char *path, uint64_t size, uint64_t owner)
{
	scope(fd) int file = open(path, O_RDONLY | O_CLOEXEC);
	const size_t room = chunk_for(size);
	scope(free) char *chunk = malloc(room);
	uint64_t done = 0;
	ssize_t count;

	if (file < 0)
		return -errno;
	if (!chunk)
		return -ENOMEM;
	while ((count = read_chunk(file, chunk, room, done)) > 0) {
		const uint64_t at = pattern_check(chunk, owner, done, count);

		if (at != PATTERN_SAME)
			return wrong(bench, path, at);
		done += count;
	}
	if (count < 0)
		return count;
	return done == size ? 0 : wrong(bench, path, done);
}

void set_path(const struct set *set, unsigned number, char path[static SET_PATH])
{
	snprintf(path, SET_PATH, "%s/%u", set->dir, number);
}

int set_make(const struct set *set)
{
	char path[SET_PATH];
	int error = mkdir(set->dir, 0755) && errno != EEXIST ? -errno : 0;

	for (unsigned i = 0; i < set->count && !error; i++) {
		set_path(set, i, path);
		error = make_file(path, set->size, set->owner + i) ?: forget_pages(path);
	}
	return error;
}

void set_sources_dir(struct set *set, const char *dir)
{
	snprintf(set->dir, sizeof(set->dir), "%.400s/%ux%llu", dir, set->count,
		 (unsigned long long)set->size);
}

int set_of_sources(struct set *set, const char *dir, unsigned count, uint64_t size)
{
	struct stat st;

	*set = (struct set){.count = count, .size = size};
	set_sources_dir(set, dir);
	return stat(set->dir, &st) ? set_make(set) : 0;
}

int set_check(struct bench *bench, const struct set *set)
{
	char path[SET_PATH];
	int error = 0;

	for (unsigned i = 0; i < set->count && !error; i++) {
		set_path(set, i, path);
		error = check_file(bench, path, set->size, set->owner + i);
	}
	return error;
}

int set_remove(const struct set *set)
{
	char path[SET_PATH];

	for (unsigned i = 0; i < set->count; i++) {
		set_path(set, i, path);
		if (unlink(path) && errno != ENOENT)
			return -errno;
	}
	return 0;
}
