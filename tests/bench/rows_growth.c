// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cost of more copies: figures are steps, and their values
 * should stay the same. A step without room in memory or on the disk has no value.
 */
#include "bench.h"
#include "memory.h"
#include "move.h"
#include "raw.h"
#include "sample.h"
#include "set.h"
#include "through.h"
#include "tools.h"
#include "util/scope.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#define MIB	  (1ull << 20)
#define SPARE	  (512 * MIB) /* memory that the rest of the machine keeps */
#define PARALLEL  16u
#define XFS_MAGIC 0x58465342

struct step {
	uint64_t size; /* of each file */
	unsigned count, parallel;
	long disk; /* a filesystem's magic number; 0: that of --dir */
};

typedef int step_function(struct bench *bench, const struct row *row, const struct step *step,
			  const char *dir, double *seconds);

/* --- without a mount ---------------------------------------------------------- */

struct share {
	pthread_t thread;
	struct bench *bench;
	const struct memory *memory;
	const int *files;
	unsigned first, step;
	int error;
};

static void *copy_share(void *arg)
{
	struct share *share = arg;

	for (unsigned i = share->first; i < share->memory->count && !share->error; i += share->step)
		share->error =
			move(share->bench, BY_COPY, share->memory, i, share->files[i], false);
	return NULL;
}

static int copy_shares(struct bench *bench, const struct memory *memory, const int files[],
		       unsigned parallel)
{
	struct share shares[PARALLEL];
	int error = 0;

	for (unsigned i = 0; i < parallel; i++) {
		shares[i] = (struct share){0, bench, memory, files, i, parallel, 0};
		if (pthread_create(&shares[i].thread, NULL, copy_share, &shares[i]))
			abort();
	}
	for (unsigned i = 0; i < parallel; i++) {
		pthread_join(shares[i].thread, NULL);
		error = error ?: shares[i].error;
	}
	return error;
}

static int copy_raw(struct bench *bench, const struct row *row, const struct step *step,
		    const char *dir, double *seconds)
{
	struct memory memory = {};
	struct set set;
	int *files = NULL;
	int error = set_of_sources(&set, dir, step->count, step->size);

	(void)row;
	error = error ?: open_files(bench, &set, O_RDONLY | O_DIRECT, &files) ?: drop_caches();
	const double start = now();

	error = error ?: memory_make(bench, DMABUF, step->count, step->size, &memory);
	error = error ?: copy_shares(bench, &memory, files, step->parallel);
	*seconds = now() - start;
	close_files(files, set.count);
	error = error ?: memory_check(bench, &memory, set.owner);
	memory_drop(&memory);
	return error;
}

/* --- with cp ------------------------------------------------------------------ */

static int copy_by_cp(struct bench *bench, const struct row *row, const struct step *step,
		      const char *dir, double *seconds)
{
	const struct place *place = &bench->places[row->place];
	struct set from, to;
	struct usage usage = {};
	int error = set_of_sources(&from, dir, step->count, step->size);

	to = from;
	snprintf(to.dir, sizeof(to.dir), "%.480s", place->dir);
	error = error ?: drop_caches_but("cp");
	error = error ?: copy_set(place, &from, to.dir, step->parallel, &usage);
	*seconds = usage.seconds;
	error = error ?: set_check(bench, &to);
	return set_remove(&to) ?: error;
}

/* --- the steps ---------------------------------------------------------------- */

static bool has_magic(const char *dir, long magic)
{
	struct statfs st;

	return *dir && !statfs(dir, &st) && (!magic || st.f_type == magic);
}

/* The directory for the files of the step, or NULL. */
static const char *dir_of(const struct bench *bench, const struct step *step)
{
	if (has_magic(bench->files, step->disk))
		return bench->files;
	for (unsigned i = 0; i < MAX_DISKS; i++)
		if (has_magic(bench->disks[i], step->disk))
			return bench->disks[i];
	return NULL;
}

static bool is_made(const struct step *step, const char *dir)
{
	struct set set = {.count = step->count, .size = step->size};

	set_sources_dir(&set, dir);
	return !access(set.dir, F_OK);
}

static bool has_room(const struct bench *bench, const struct step *step, const char *dir)
{
	const uint64_t bytes = step->size * step->count;
	struct statvfs st = {};

	statvfs(dir, &st);
	return bytes <= bench->settings.largest && memory_field("MemAvailable") > bytes + SPARE &&
	       (is_made(step, dir) || (uint64_t)st.f_bavail * st.f_frsize > bytes + SPARE);
}

/* Leaves @seconds alone if there is no room or no such disk. */
static int take_step(struct bench *bench, const struct row *row, const struct step *step,
		     double *seconds)
{
	step_function *copy = row->place == NOWHERE ? copy_raw : copy_by_cp;
	const char *dir = dir_of(bench, step);

	return dir && has_room(bench, step, dir) ? copy(bench, row, step, dir, seconds) : 0;
}

/* Milliseconds for each MiB, or microseconds for each file. */
static double value_of(const struct step *step, double seconds, bool each_file)
{
	if (each_file)
		return seconds * 1e6 / step->count;
	return seconds * 1e3 / ((double)step->size * step->count / MIB);
}

static int take_steps(struct bench *bench, const struct row *row, const struct step steps[],
		      unsigned count, bool each_file, double values[])
{
	unsigned taken = 0;
	int error = 0;

	for (unsigned i = 0; i < count && !error; i++) {
		double seconds = NAN;

		error = take_step(bench, row, &steps[i], &seconds);
		values[i] = value_of(&steps[i], seconds, each_file);
		taken += !isnan(seconds);
	}
	if (!error && !taken)
		return unable(bench, "there is no room for any of these, or no such disk");
	return error;
}

static int run_size(struct bench *bench, const struct row *row, double values[])
{
	static const struct step steps[] = {
		{1 * MIB, 1, 1, 0},    {8 * MIB, 1, 1, 0},    {64 * MIB, 1, 1, 0},
		{256 * MIB, 1, 1, 0},  {1024 * MIB, 1, 1, 0}, {2048 * MIB, 1, 1, 0},
		{6144 * MIB, 1, 1, 0},
	};

	return take_steps(bench, row, steps, sizeof(steps) / sizeof(steps[0]), false, values);
}

static int run_count(struct bench *bench, const struct row *row, double values[])
{
	const uint64_t size = bench->settings.size;
	const struct step steps[] = {
		{size, 1, 1, 0},    {size, 10, 1, 0},	 {size, 100, 1, 0},
		{size, 1000, 1, 0}, {size, 10000, 1, 0},
	};

	return take_steps(bench, row, steps, sizeof(steps) / sizeof(steps[0]), true, values);
}

static int run_parallel(struct bench *bench, const struct row *row, double values[])
{
	const uint64_t size = bench->settings.size;
	const struct step steps[] = {
		{size, PARALLEL, 1, 0}, {size, PARALLEL, 2, 0},	 {size, PARALLEL, 4, 0},
		{size, PARALLEL, 8, 0}, {size, PARALLEL, 16, 0},
	};

	return take_steps(bench, row, steps, sizeof(steps) / sizeof(steps[0]), false, values);
}

static int run_disk(struct bench *bench, const struct row *row, double values[])
{
	const uint64_t size = bench->settings.size;
	const unsigned count = bench->settings.count;
	const struct step steps[] = {
		{size, count, 1, EXT4_SUPER_MAGIC},
		{size, count, 1, XFS_MAGIC},
		{size, count, 1, BTRFS_SUPER_MAGIC},
	};

	return take_steps(bench, row, steps, sizeof(steps) / sizeof(steps[0]), false, values);
}

static int run_odd(struct bench *bench, const struct row *row, double values[])
{
	const uint64_t size = bench->settings.size;
	const unsigned count = bench->settings.count;
	const struct step steps[] = {
		{size, count, 1, 0},	 {size + 4096, count, 1, 0}, {size + 512, count, 1, 0},
		{size + 1, count, 1, 0}, {size - 1, count, 1, 0},    {size + 4711, count, 1, 0},
	};

	return take_steps(bench, row, steps, sizeof(steps) / sizeof(steps[0]), false, values);
}

#define ROWS(function)                                                        \
	{                                                                     \
		{"cp to tmpfs", TMPFS, true, .run = function},                \
			{"cp to dmaheapfs", ON_BEST, false, .run = function}, \
			{"raw dma-heap", NOWHERE, false, .run = function},    \
	}

const struct group group_grow_size = {
	.name = "grow-size",
	.what = "one file of so many MiB, from a disk into memory",
	.style = STYLE_GROWTH,
	.figures = {{"1", "ms per MiB"},
		    {"8", "ms per MiB"},
		    {"64", "ms per MiB"},
		    {"256", "ms per MiB"},
		    {"1024", "ms per MiB"},
		    {"2048", "ms per MiB"},
		    {"6144", "ms per MiB"}},
	.rows = ROWS(run_size),
};

const struct group group_grow_count = {
	.name = "grow-count",
	.what = "so many files of %S, from a disk into memory",
	.style = STYLE_GROWTH,
	.size = 64 << 10,
	.figures = {{"1", "µs each"},
		    {"10", "µs each"},
		    {"100", "µs each"},
		    {"1000", "µs each"},
		    {"10000", "µs each"}},
	.rows = ROWS(run_count),
};

const struct group group_grow_parallel = {
	.name = "grow-parallel",
	.what = "16 files of %S by so many copies at a time, from a disk into memory",
	.style = STYLE_GROWTH,
	.size = 32 << 20,
	.figures = {{"1", "ms per MiB"},
		    {"2", "ms per MiB"},
		    {"4", "ms per MiB"},
		    {"8", "ms per MiB"},
		    {"16", "ms per MiB"}},
	.rows = ROWS(run_parallel),
};

const struct group group_grow_disk = {
	.name = "grow-disk",
	.what = "%N files of %S from disks of these kinds into memory, those of --dir and --disks",
	.style = STYLE_GROWTH,
	.size = 32 << 20,
	.count = 16,
	.figures = {{"ext4", "ms per MiB"}, {"xfs", "ms per MiB"}, {"btrfs", "ms per MiB"}},
	.rows = ROWS(run_disk),
};

const struct group group_grow_odd = {
	.name = "grow-odd",
	.what = "%N files of %S and so many bytes from a disk into memory",
	.style = STYLE_GROWTH,
	.size = 32 << 20,
	.count = 16,
	.figures = {{"+0", "ms per MiB"},
		    {"+4096", "ms per MiB"},
		    {"+512", "ms per MiB"},
		    {"+1", "ms per MiB"},
		    {"-1", "ms per MiB"},
		    {"+4711", "ms per MiB"}},
	.rows = ROWS(run_odd),
};
