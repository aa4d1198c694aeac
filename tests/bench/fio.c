// SPDX-License-Identifier: GPL-2.0-or-later
#include "set.h"
#include "table.h"
#include "through.h"
#include "tools.h"
#include "util/scope.h"

#include <stdio.h>
#include <string.h>

#define PIECE	(1ull << 20)
#define RUNTIME 9 /* the field of its terse output that has the milliseconds of reads */

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

static int parse_runtime(const char *line, double *milliseconds)
{
	for (unsigned field = 1; field < RUNTIME && line; field++) {
		line = strchr(line, ';');
		line += !!line;
	}
	return line && sscanf(line, "%lf", milliseconds) == 1 && *milliseconds > 0 ? 0 : -EIO;
}

static int read_runtime(const char *path, double *milliseconds)
{
	FILE *file = fopen(path, "re");
	char line[4096] = "";

	if (!file)
		return -errno;
	if (!fgets(line, sizeof(line), file))
		*line = '\0';
	fclose(file);
	return parse_runtime(line, milliseconds);
}

int run_fio(struct bench *bench, const struct row *row, double values[])
{
	const struct place nowhere = {};
	struct usage usage = {};
	struct set set;
	char said[400], piece[32];
	int error = set_of_sources(&set, bench->files, bench->settings.count, bench->settings.size);
	scope(free) char *names = error ? NULL : file_names(&set);
	const char *const argv[] = {"fio",
				    "--name=read",
				    "--rw=read",
				    "--direct=1",
				    piece,
				    "--iodepth=8",
				    "--minimal",
				    "--readonly",
				    "--ioengine=libaio",
				    "--file_service_type=sequential",
				    names,
				    NULL};

	(void)row;
	if (!has_tool("fio"))
		return unable(bench, "fio is not installed");
	if (error || !names)
		return error ?: -ENOMEM;
	snprintf(said, sizeof(said), "%s/fio", bench->files);
	/* it reads nothing of files that are smaller */
	snprintf(piece, sizeof(piece), "--bs=%llu",
		 (unsigned long long)(set.size < PIECE ? set.size : PIECE));
	error = drop_caches_but("fio");
	const struct meter meter = meter_start();

	error = error ?: run_tools(&nowhere, &(const struct job){argv, said}, 1, &usage);
	meter_stop(bench, &meter, set.size * set.count, usage.cpu, values);
	error = error ?: read_runtime(said, &values[IO]);
	values[SPEED] = set.size * set.count / values[IO] / 1e3;
	return error;
}
