// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fio: direct I/O with several pieces in flight, between files and memory of its own. The time
 * is the one that fio reports. It writes one byte over and over.
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
#define TRIES	3u /* of each shape of the limit */

struct shape {
	uint64_t piece;
	uint64_t depth; /* pieces in flight */
};

/* The fields of fio's terse output that contain the milliseconds. */
enum { READ_TIME = 9, WRITE_TIME = 50 };

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

static int parse_time(const char *line, unsigned wanted, double *milliseconds)
{
	for (unsigned field = 1; field < wanted && line; field++) {
		line = strchr(line, ';');
		line += !!line;
	}
	if (!line || sscanf(line, "%lf", milliseconds) != 1)
		return -EIO;
	/* It counts whole milliseconds. */
	*milliseconds = fmax(*milliseconds, 1);
	return 0;
}

static int read_time(const char *path, unsigned field, double *milliseconds)
{
	FILE *file = fopen(path, "re");
	char line[4096] = "";

	if (!file)
		return -errno;
	if (!fgets(line, sizeof(line), file))
		*line = '\0';
	fclose(file);
	return parse_time(line, field, milliseconds);
}

static int run_shape(struct bench *bench, const struct set *set, const struct shape *shape,
		     bool write, double values[])
{
	const struct place nowhere = {};
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

	error = error ?: run_tools(&nowhere, &(const struct job){argv, said}, 1, &usage);
	meter_stop(bench, &meter, set->size * set->count, usage.cpu, values);
	error = error ?: read_time(said, write ? WRITE_TIME : READ_TIME, &values[IO]);
	values[SPEED] = set->size * set->count / values[IO] / 1e3;
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

static int run_and_check(struct bench *bench, const struct set *set, const struct shape *shape,
			 bool write, double values[])
{
	int error = run_shape(bench, set, shape, write, values);

	if (error || !write)
		return error;
	return drop_caches() ?: check_written(bench, set);
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
	return error ?: run_and_check(bench, &set, &usual, write, values);
}

/* --- the limit ----------------------------------------------------------------------- */

/* The least time of several: a run that was disturbed once is not slow. */
static int try_shape(struct bench *bench, const struct set *set, const struct shape *shape,
		     bool write, double *least)
{
	double values[MAX_FIGURES];
	int error = 0;

	*least = INFINITY;
	for (unsigned i = 0; i < TRIES && !error; i++) {
		error = run_shape(bench, set, shape, write, values);
		*least = fmin(*least, values[IO]);
	}
	return error;
}

static int find_best(struct bench *bench, const struct set *set, bool write, struct shape *best)
{
	static const uint64_t pieces[] = {1ull << 20, 4ull << 20, 32ull << 20};
	const uint64_t window = bench->settings.window;
	double least = INFINITY, time;
	int error = 0;

	for (unsigned i = 0; i < sizeof(pieces) / sizeof(pieces[0]) && !error; i++) {
		const struct shape shape = {pieces[i], window / pieces[i]};

		if (i && (pieces[i] > set->size || !shape.depth))
			continue;
		error = try_shape(bench, set, &shape, write, &time);
		if (time < least)
			*best = shape;
		least = fmin(least, time);
	}
	return error;
}

/* Finds the best shape once for each direction and set. */
static int choose_shape(struct bench *bench, const struct set *set, bool write, struct shape *shape)
{
	static struct {
		uint64_t size;
		unsigned count;
		struct shape shape;
	} found[2];
	const bool known = found[write].size == set->size && found[write].count == set->count;
	int error = known ? 0 : find_best(bench, set, write, &found[write].shape);

	if (error)
		return error;
	found[write].size = set->size;
	found[write].count = set->count;
	*shape = found[write].shape;
	return 0;
}

int run_limit(struct bench *bench, const struct row *row, double values[])
{
	const bool write = ((const struct raw *)row->how)->write;
	struct shape shape;
	struct set set;
	int error = check_row(bench) ?: find_set(bench, write, &set);

	error = error ?: choose_shape(bench, &set, write, &shape);
	return error ?: run_and_check(bench, &set, &shape, write, values);
}
