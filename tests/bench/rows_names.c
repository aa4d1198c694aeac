// SPDX-License-Identifier: GPL-2.0-or-later
/* Ten thousand small files: made, copied, listed, removed. */
#include "bench.h"
#include "files.h"
#include "sample.h"
#include "tools.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define TREE_WIDTH 100 /* files in a directory of the tree */

static struct place *place_of(struct bench *bench, const struct row *row)
{
	return &bench->places[row->place];
}

static double us_each(double seconds, unsigned count)
{
	return seconds * 1e6 / count;
}

static int run_files(struct bench *bench, const struct row *row, double values[])
{
	const struct place *place = place_of(bench, row);
	const unsigned count = bench->settings.count;
	struct file_costs costs = {};
	scope(fd) int dir = open(place->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = dir < 0 ? -errno : warm_memory((uint64_t)count * 2 * FILE_SIZE);
	const double daemon = place_cpu(place);

	if (!error)
		error = files_create(dir, "f", count, &costs);
	place_settle(place);
	if (!error)
		error = files_remove(dir, "f", count, &costs);
	place_settle(place);
	const double all = costs.create + costs.write + costs.close + costs.unlink;

	values[0] = us_each(costs.create, count);
	values[1] = us_each(costs.write, count);
	values[2] = us_each(costs.close, count);
	values[3] = us_each(costs.unlink, count);
	values[4] = us_each(all, count);
	values[5] = us_each(costs.cpu + place_cpu(place) - daemon, count);
	return error;
}

/* A tree on a tmpfs of its own would be fairer, but the disk's is cached. */
static int make_tree(struct bench *bench, char path[static PATH_MAX])
{
	struct file_costs costs;

	snprintf(path, PATH_MAX, "%s/tree", bench->files);
	if (mkdir(path, 0755))
		return errno == EEXIST ? 0 : -errno;
	for (unsigned i = 0; i * TREE_WIDTH < bench->settings.count; i++) {
		char below[PATH_MAX + 16];
		snprintf(below, sizeof(below), "%s/%u", path, i);
		int error = mkdir(below, 0755) ? -errno : 0;
		scope(fd) int dir = open(below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (!error)
			error = files_create(dir, "f", TREE_WIDTH, &costs);
		if (error)
			return error;
	}
	return 0;
}

static int run_tree(struct bench *bench, const struct row *row, double values[])
{
	const struct place *place = place_of(bench, row);
	char tree[PATH_MAX], copy[PATH_MAX + 8];
	struct usage usage;
	int error = make_tree(bench, tree);

	snprintf(copy, sizeof(copy), "%s/copy", place->dir);
	const char *const tools[][5] = {
		{"cp", "-r", tree, copy},
		{"cp", "-a", tree, copy},
		{"rm", "-r", copy},
	};
	static const struct {
		unsigned tool;
		bool keep;
	} steps[] = {{0, true}, {2, true}, {1, true}, {2, false}};

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]) && !error; i++) {
		error = run_tool(place, tools[steps[i].tool], &usage);
		place_settle(place);
		if (steps[i].keep)
			values[i] = usage.seconds;
	}
	return error;
}

static int prepare_list(struct bench *bench, const struct row *row)
{
	struct file_costs costs;
	scope(fd) int dir = open(place_of(bench, row)->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -errno : files_create(dir, "f", bench->settings.count, &costs);
}

static int list(struct place *place, const char *const argv[], double *seconds)
{
	struct usage usage;
	int error = run_tool(place, argv, &usage);

	*seconds = usage.seconds;
	return error;
}

static int run_ls(struct bench *bench, const struct row *row, double values[])
{
	struct place *place = place_of(bench, row);
	const char *const with_all[] = {"ls", "-l", place->dir, NULL};
	const char *const names[] = {"ls", "-f", place->dir, NULL};
	int error = drop_names();

	place_settle(place);
	error = error ?: list(place, with_all, &values[0]);
	error = error ?: list(place, with_all, &values[1]);
	sleep(2);
	error = error ?: list(place, with_all, &values[2]);
	return error ?: list(place, names, &values[3]);
}

#define ROWS(function)                                                             \
	{                                                                          \
		{"tmpfs", TMPFS, true, .run = function},                           \
			{"passthrough_hp", PASSTHROUGH_HP, true, .run = function}, \
			{"dmaheapfs", MOUNT, false, .run = function},              \
			{"other", OTHER, false, .run = function},                  \
	}

const struct group group_files = {
	.name = "files",
	.what = "%N files of 4 KiB in one directory, created, written, closed, removed",
	.count = 10000,
	.by_default = true,
	.figures = {{"open(O_CREAT)", "µs each"},
		    {"write", "µs each"},
		    {"close", "µs each"},
		    {"unlink", "µs each"},
		    {"all of it", "µs each"},
		    {"cpu of it all, with the daemon's", "µs each"}},
	.rows = ROWS(run_files),
};

const struct group group_tree = {
	.name = "tree",
	.what = "a tree of %N files of 4 KiB, 100 in a directory, from the page cache",
	.count = 10000,
	.figures = {{"cp -r", "s"}, {"rm -r", "s"}, {"cp -a", "s"}},
	.rows = ROWS(run_tree),
};

const struct group group_ls = {
	.name = "ls",
	.what = "a directory of %N files listed (tmpfs is never cold)",
	.count = 10000,
	.by_default = true,
	.prepare = prepare_list,
	.figures = {{"ls -l, cold", "s"},
		    {"ls -l, at once again", "s"},
		    {"ls -l, 2 s later", "s"},
		    {"ls -f", "s"}},
	.rows = ROWS(run_ls),
};
