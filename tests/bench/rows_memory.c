// SPDX-License-Identifier: GPL-2.0-or-later
/* What a file costs besides its data. */
#include "bench.h"
#include "files.h"
#include "tools.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>

#define OPEN_FILES 500u

struct state {
	uint64_t daemon, fds, kernel;
};

/* The kernel's part is the whole machine's: what others do meanwhile shows. */
static int take_state(const struct place *place, struct state *state)
{
	place_settle(place);
	state->kernel = memory_field("Slab");
	return place_memory(place, &state->daemon, &state->fds);
}

static double per_file(uint64_t before, uint64_t after, unsigned count)
{
	return ((double)after - (double)before) / count;
}

static void close_all(const int files[], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close_fd(files[i]);
}

static int open_some(int dir, int files[], unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%u", i);
		files[i] = openat(dir, name, O_RDONLY | O_CLOEXEC);
		if (files[i] < 0)
			return -errno;
	}
	return 0;
}

static int measure_open(const struct place *place, int dir, unsigned count, double values[])
{
	const unsigned opened = count < OPEN_FILES ? count : OPEN_FILES;
	int files[OPEN_FILES];
	struct state before, after;

	for (unsigned i = 0; i < OPEN_FILES; i++)
		files[i] = -1;
	int error = take_state(place, &before);

	error = error ?: open_some(dir, files, opened);
	error = error ?: take_state(place, &after);
	close_all(files, opened);
	if (error)
		return error;
	values[0] = per_file(before.daemon, after.daemon, opened);
	values[1] = per_file(before.fds, after.fds, opened);
	return 0;
}

static int run_memory(struct bench *bench, const struct row *row, double values[])
{
	const struct place *place = &bench->places[row->place];
	const unsigned count = bench->settings.count;
	scope(fd) int dir = open(place->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct file_costs unused;
	struct state before, after;
	int error = dir < 0 ? -errno : take_state(place, &before);

	error = error ?: files_create(dir, "f", count, &unused);
	error = error ?: take_state(place, &after);
	if (error)
		return error;
	values[0] = before.daemon / 1024.0;
	values[1] = per_file(before.daemon, after.daemon, count);
	values[2] = per_file(before.kernel, after.kernel, count);
	values[3] = per_file(before.fds, after.fds, count);
	return measure_open(place, dir, count, &values[4]);
}

const struct group group_memory = {
	.name = "memory",
	.what = "%N files of 4 KiB that the kernel knows, besides their data",
	.count = 10000,
	.by_default = true,
	.fresh = true,
	.figures = {{"daemon without files", "KiB"},
		    {"daemon", "bytes per file"},
		    {"kernel slab", "bytes per file"},
		    {"fds of the daemon", "per file"},
		    {"daemon", "bytes per open file"},
		    {"fds of the daemon", "per open file"}},
	.rows = {{"tmpfs", TMPFS, true, .run = run_memory},
		 {"passthrough_hp", PASSTHROUGH_HP, true, .run = run_memory},
		 {"dmaheapfs", MOUNT, false, .run = run_memory},
		 {"other", OTHER, false, .run = run_memory}},
};
