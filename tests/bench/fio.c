// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fio, as people run it: direct I/O, several pieces in flight, between files and
 * memory of its own. The time is what it says. What it writes is one byte over
 * and over, to new files whose blocks it has reserved before.
 */
#include "raw.h"
#include "set.h"
#include "table.h"
#include "tools.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define PIECE	(1ull << 20)
#define WRITTEN 'd'

/* The fields of its terse output that have the milliseconds. */
enum { READ_TIME = 9, WRITE_TIME = 50 };

/* All paths, parted by colons, as fio takes them. */
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
	return line && sscanf(line, "%lf", milliseconds) == 1 && *milliseconds > 0 ? 0 : -EIO;
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

static int run_one(struct bench *bench, const struct set *set, bool write, double values[])
{
	const struct place nowhere = {};
	struct usage usage = {};
	char said[400], piece[32], size[32], pattern[32];
	scope(free) char *names = file_names(set);
	const char *const argv[] = {"fio",
				    "--name=copy",
				    write ? "--rw=write" : "--rw=read",
				    write ? "--end_fsync=1" : "--readonly",
				    pattern,
				    "--direct=1",
				    piece,
				    size,
				    "--iodepth=8",
				    "--minimal",
				    "--ioengine=libaio",
				    "--file_service_type=sequential",
				    names,
				    NULL};

	if (!names)
		return -ENOMEM;
	snprintf(said, sizeof(said), "%s/fio", bench->files);
	/* it does nothing to files that are smaller */
	snprintf(piece, sizeof(piece), "--bs=%llu",
		 (unsigned long long)(set->size < PIECE ? set->size : PIECE));
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

/* All of the file, and not a byte more, is what fio writes. */
static int check_one(struct bench *bench, int file, uint64_t size, char *piece)
{
	uint64_t done = 0;
	ssize_t count;

	while ((count = pread(file, piece, PIECE, done)) > 0 && is_written(piece, count))
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
	scope(free) char *piece = malloc(PIECE);
	int *files = NULL;
	int error = piece ? open_files(bench, set, O_RDONLY, &files) : -ENOMEM;

	for (unsigned i = 0; i < set->count && !error; i++)
		error = check_one(bench, files[i], set->size, piece);
	close_files(files, set->count);
	return error;
}

static int write_files(struct bench *bench, double values[])
{
	struct set set;
	int error = set_of_targets(bench, &set) ?: set_remove(&set);

	error = error ?: run_one(bench, &set, true, values) ?: drop_caches();
	return error ?: check_written(bench, &set);
}

static int read_files(struct bench *bench, double values[])
{
	struct set set;
	const struct settings *settings = &bench->settings;
	int error = set_of_sources(&set, bench->files, settings->count, settings->size);

	return error ?: run_one(bench, &set, false, values);
}

int run_fio(struct bench *bench, const struct row *row, double values[])
{
	const struct raw *raw = row->how;

	if (!has_tool("fio"))
		return unable(bench, "fio is not installed");
	return raw->write ? write_files(bench, values) : read_files(bench, values);
}
