// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fio: direct I/O with several pieces in flight, between files and memory of its own. The times
 * are those that fio reports. It writes one byte over and over.
 *
 * A row "fio" is fio as people run it, into new files whose blocks it has reserved. The limit
 * is the best of several sizes of a piece, with so many in flight that they fill the window,
 * and it writes into existing blocks. The window matters in an emulation: the disk's DMA is a
 * copy by the host's CPU, which is faster into memory that its caches hold.
 */
#include "raw.h"
#include "set.h"
#include "table.h"
#include "tools.h"
#include "util/scope.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHUNK	(1u << 20)
#define WRITTEN 'd'

struct shape {
	uint64_t piece;
	uint64_t depth; /* pieces in flight */
};

/* Fields of fio's terse output: milliseconds, and CPU time in percent, user's and kernel's. */
enum { READ_TIME = 9, WRITE_TIME = 50, CPU_USER = 88 };

/* All paths, separated by colons. */
static char *file_names(const struct set *set)
{
	char path[SET_PATH], *names = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&names, &size);

	if (!out)
		return NULL;
	fputs("--filename=", out);
	for (unsigned i = 0; i < set->count; i++) {
		set_path(set, i, path);
		fprintf(out, "%s%s", i ? ":" : "", path);
	}
	return fclose(out) ? NULL : names;
}

static const char *field_of(const char *line, unsigned wanted)
{
	for (unsigned field = 1; field < wanted && line; field++) {
		line = strchr(line, ';');
		line += !!line;
	}
	return line;
}

/* Sets the milliseconds of the I/O and of the CPU, without the start of fio. */
static int parse_times(const char *line, unsigned time_field, double values[])
{
	const char *time = field_of(line, time_field), *cpu = field_of(line, CPU_USER);
	double user, kernel;

	if (!time || sscanf(time, "%lf", &values[IO]) != 1)
		return -EIO;
	if (!cpu || sscanf(cpu, "%lf%%;%lf%%", &user, &kernel) != 2)
		return -EIO;
	values[IO] = fmax(values[IO], 1); /* It counts whole milliseconds. */
	values[CPU] = values[IO] * (user + kernel) / 100;
	return 0;
}

static int read_times(const char *path, unsigned time_field, double values[])
{
	FILE *file = fopen(path, "re");
	char line[4096] = "";

	if (!file)
		return -errno;
	if (!fgets(line, sizeof(line), file))
		*line = '\0';
	fclose(file);
	return parse_times(line, time_field, values);
}

static int run_shape(struct bench *bench, const struct set *set, const struct shape *shape,
		     bool write, double values[])
{
	const struct place nowhere = {};
	const double bytes = (double)set->size * set->count;
	struct usage usage = {};
	char said[400], piece[32], size[32], pattern[32], depth[32];
	scope(free) char *names = file_names(set);
	const char *const argv[] = {"fio",
				    "--name=copy",
				    write ? "--rw=write" : "--rw=read",
				    write ? "--end_fsync=1" : "--readonly",
				    pattern,
				    "--direct=1",
				    piece,
				    size,
				    depth,
				    "--fallocate=keep",
				    "--minimal",
				    "--ioengine=libaio",
				    "--file_service_type=sequential",
				    names,
				    NULL};

	if (!names)
		return -ENOMEM;
	snprintf(said, sizeof(said), "%s/fio", bench->files);
	/* fio skips files that are smaller than a piece. */
	snprintf(piece, sizeof(piece), "--bs=%llu",
		 (unsigned long long)(set->size < shape->piece ? set->size : shape->piece));
	snprintf(depth, sizeof(depth), "--iodepth=%llu", (unsigned long long)shape->depth);
	snprintf(pattern, sizeof(pattern), "--buffer_pattern=%d", WRITTEN);
	snprintf(size, sizeof(size), "--filesize=%llu", (unsigned long long)set->size);
	int error = drop_caches_but("fio");
	const struct meter meter = meter_start();

	error = error ?: run_tool(&nowhere, &(const struct job){argv, said}, &usage);
	meter_stop(bench, &meter, bytes, usage.cpu, values);
	error = error ?: read_times(said, write ? WRITE_TIME : READ_TIME, values);
	values[SPEED] = bytes / values[IO] / 1e3;
	values[COPIES] = values[CPU] / 1e3 / (bench->cpu_copy * bytes);
	return error;
}

static bool is_written(const char *piece, size_t length)
{
	return piece[0] == WRITTEN && !memcmp(piece, piece + 1, length - 1);
}

/* The file has exactly the bytes that fio writes. */
static int check_one(struct bench *bench, int file, uint64_t size, char *piece)
{
	uint64_t done = 0;
	ssize_t count;

	while ((count = pread(file, piece, CHUNK, done)) > 0 && is_written(piece, count))
		done += count;
	if (count < 0)
		return -errno;
	if (!count && done == size)
		return 0;
	snprintf(bench->why, sizeof(bench->why), "fio left wrong bytes at %llu",
		 (unsigned long long)done);
	return -EBADMSG;
}

static int check_written(struct bench *bench, const struct set *set)
{
	scope(free) char *piece = malloc(CHUNK);
	int *files = NULL;
	int error = piece ? open_files(bench, set, O_RDONLY, &files) : -ENOMEM;

	for (unsigned i = 0; i < set->count && !error; i++)
		error = check_one(bench, files[i], set->size, piece);
	close_files(files, set->count);
	return error;
}

static int find_set(struct bench *bench, bool write, struct set *set)
{
	const struct settings *settings = &bench->settings;

	if (write)
		return set_of_targets(bench, set);
	return set_of_sources(set, bench->files, settings->count, settings->size);
}

/* fio, and a size that direct I/O can move. */
static int check_row(struct bench *bench)
{
	if (!has_tool("fio"))
		return unable(bench, "fio is not installed");
	if (bench->settings.size % 4096)
		return unable(bench, "direct I/O needs whole pages");
	return 0;
}

int run_fio(struct bench *bench, const struct row *row, double values[])
{
	static const struct shape usual = {CHUNK, 8};
	const bool write = ((const struct raw *)row->how)->write;
	struct set set;
	int error = check_row(bench) ?: find_set(bench, write, &set);

	if (!error && write)
		error = set_remove(&set);
	error = error ?: run_shape(bench, &set, &usual, write, values);
	return error || !write ? error : drop_caches() ?: check_written(bench, &set);
}

/* --- the limit ----------------------------------------------------------------------- */

/* Keeps the values of the fastest shape. */
static int run_shapes(struct bench *bench, const struct set *set, bool write, double values[])
{
	static const uint64_t pieces[] = {1ull << 20, 4ull << 20, 32ull << 20};
	int error = 0;

	values[IO] = INFINITY;
	for (unsigned i = 0; i < sizeof(pieces) / sizeof(pieces[0]) && !error; i++) {
		const struct shape shape = {pieces[i], bench->settings.window / pieces[i]};
		double tried[MAX_FIGURES] = {};

		if (i && (pieces[i] > set->size || !shape.depth))
			continue;
		error = run_shape(bench, set, &shape, write, tried);
		if (tried[IO] < values[IO])
			memcpy(values, tried, sizeof(tried));
	}
	return error;
}

int run_limit(struct bench *bench, const struct row *row, double values[])
{
	const bool write = ((const struct raw *)row->how)->write;
	struct set set;
	int error = check_row(bench) ?: find_set(bench, write, &set);

	error = error ?: run_shapes(bench, &set, write, values);
	return error || !write ? error : drop_caches() ?: check_written(bench, &set);
}
