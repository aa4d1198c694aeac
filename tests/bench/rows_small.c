// SPDX-License-Identifier: GPL-2.0-or-later
/* Many small files, which a mount answers for one by one. */
#include "sample.h"
#include "set.h"
#include "through.h"
#include "tools.h"

#include <stdio.h>

struct small {
	bool view; /* from the mount's view of the source */
};

static int copy_tree(struct bench *bench, const struct row *row, const char *from, const char *to,
		     double values[])
{
	const struct job cp = {.argv = (const char *const[]){"cp", "-r", from, to, NULL}};
	struct usage usage;
	int error = drop_caches_but("cp") ?: run_tool(&bench->places[row->place], &cp, &usage);

	values[0] = usage.seconds;
	values[1] = usage.seconds * 1e6 / bench->settings.count;
	values[2] = usage.cpu * 1e6 / bench->settings.count;
	return error;
}

static int remove_copy(const struct bench *bench, const struct set *set, double values[])
{
	const double start = now();
	const int error = set_remove(set);

	values[3] = (now() - start) * 1e6 / bench->settings.count;
	remove_tree(set->dir);
	return error;
}

static int run_small(struct bench *bench, const struct row *row, double values[])
{
	const struct small *small = row->how;
	const struct place *place = &bench->places[row->place];
	struct set from, to;
	char view[SET_PATH];
	int error =
		set_of_sources(&from, bench->files, bench->settings.count, bench->settings.size);

	if (error)
		return error;
	to = from;
	snprintf(to.dir, sizeof(to.dir), "%.400s/copy", place->dir);
	place_view(place, view);
	if (small->view)
		set_sources_dir(&from, view);
	error = copy_tree(bench, row, from.dir, to.dir, values) ?: set_check(bench, &to);
	return remove_copy(bench, &to, values) ?: error;
}

#define FROM_DIR  &(const struct small){false}, TURN_ANY
#define FROM_VIEW &(const struct small){true}, TURN_ANY

const struct group group_small = {
	.name = "small",
	.what = "cp -r of %N files of %S from a disk, caches dropped before",
	.size = 16 << 10,
	.count = 10000,
	.figures = {{"cp -r", "s"},
		    {"cp -r", "µs each"},
		    {"cpu, with the daemon's", "µs each"},
		    {"unlink", "µs each"}},
	.rows =
		{
			{"tmpfs", TMPFS, true, run_small, FROM_DIR},
			{"passthrough_hp", PASSTHROUGH_HP, false, run_small, FROM_DIR},
			{"dma-heap", ON_DMA_HEAP, false, run_small, FROM_DIR},
			{"dma-heap .source", ON_DMA_HEAP, false, run_small, FROM_VIEW},
			{"dma-heap plain", PLAIN_ON_DMA_HEAP, false, run_small, FROM_DIR},
			{"udmabuf", ON_UDMABUF, false, run_small, FROM_DIR},
			{"udmabuf .source", ON_UDMABUF, false, run_small, FROM_VIEW},
			{"shmem", ON_SHMEM, false, run_small, FROM_DIR},
			{"shmem .source", ON_SHMEM, false, run_small, FROM_VIEW},
			{"shmem plain", PLAIN_ON_SHMEM, false, run_small, FROM_DIR},
		},
};
