// SPDX-License-Identifier: GPL-2.0-or-later
#include "raw.h"

#include "bench.h"
#include "sample.h"
#include "set.h"
#include "table.h"
#include "tools.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int open_files(struct bench *bench, const struct set *set, int flags, int **files)
{
	char path[SET_PATH];

	*files = malloc(set->count * sizeof(**files));
	if (!*files)
		return -ENOMEM;
	for (unsigned i = 0; i < set->count; i++) {
		set_path(set, i, path);
		(*files)[i] = open(path, flags | O_CLOEXEC, 0644);
		if ((*files)[i] >= 0)
			continue;
		const int error = -errno;

		close_files(*files, i);
		*files = NULL;
		return flags & O_DIRECT && error == -EINVAL
			       ? unable(bench, "no direct I/O below %s", bench->settings.dir)
			       : error;
	}
	return 0;
}

void close_files(int *files, unsigned count)
{
	for (unsigned i = 0; files && i < count; i++)
		close_fd(files[i]);
	free(files);
}

int set_of_targets(struct bench *bench, struct set *set)
{
	struct stat st;
	const struct settings *settings = &bench->settings;

	*set = (struct set){.count = settings->count, .size = settings->size};
	snprintf(set->dir, sizeof(set->dir), "%.400s/written", bench->files);
	return stat(set->dir, &st) ? set_make(set) : 0;
}

/* Until the last byte is on the disk. */
static int sync_files(const int files[], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (fdatasync(files[i]))
			return -errno;
	return 0;
}

static int move_all(struct bench *bench, const struct raw *raw, const struct memory *memory,
		    const int files[])
{
	int error = 0;

	for (unsigned i = 0; i < memory->count && !error; i++)
		error = move(bench, raw->way, memory, i, files[i], raw->write);
	if (!error && raw->write)
		error = sync_files(files, memory->count);
	return error;
}

/* With the memory made and filled, and the files open: the part that counts. */
static int run_io(struct bench *bench, const struct raw *raw, const struct memory *memory,
		  const int files[], double values[])
{
	int error = drop_caches();
	const struct meter meter = meter_start();

	error = error ?: move_all(bench, raw, memory, files);
	meter_stop(bench, &meter, memory->count * memory->size, 0, values);
	return error;
}

static int flags_of(const struct raw *raw)
{
	return (raw->direct ? O_DIRECT : 0) | (raw->write ? O_WRONLY : O_RDONLY) |
	       (raw->new_files ? O_CREAT | O_TRUNC : 0);
}

static int read_in(struct bench *bench, const struct raw *raw, const struct memory *memory,
		   double values[])
{
	struct set set;
	int *files = NULL;
	int error = set_of_sources(&set, bench->files, memory->count, memory->size);

	error = error ?: open_files(bench, &set, flags_of(raw), &files);
	error = error ?: run_io(bench, raw, memory, files, values);
	close_files(files, set.count);
	return error ?: memory_check(bench, memory, set.owner);
}

static int write_out(struct bench *bench, const struct raw *raw, const struct memory *memory,
		     double values[])
{
	struct set set;
	int *files = NULL;
	int error = set_of_targets(bench, &set);

	set.owner = bench->serial += set.count;
	if (!error && raw->new_files)
		error = set_remove(&set);
	error = error ?: memory_fill(memory, set.owner);
	error = error ?: open_files(bench, &set, flags_of(raw), &files);
	error = error ?: run_io(bench, raw, memory, files, values);
	close_files(files, set.count);
	error = error ?: drop_caches();
	return error ?: set_check(bench, &set);
}

int run_raw(struct bench *bench, const struct row *row, double values[])
{
	const struct raw *raw = row->how;
	struct memory memory;
	double start = now();
	int error =
		memory_make(bench, raw->kind, bench->settings.count, bench->settings.size, &memory);

	values[CREATE] = (now() - start) * 1e3;
	if (!error)
		error = raw->write ? write_out(bench, raw, &memory, values)
				   : read_in(bench, raw, &memory, values);
	start = now();
	memory_drop(&memory);
	values[CLOSE] = (now() - start) * 1e3;
	return error;
}
