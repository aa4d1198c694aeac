// SPDX-License-Identifier: GPL-2.0-or-later
/* What an operation costs among many files, against what it costs among few. */
#include "bench.h"
#include "files.h"
#include "sample.h"
#include "tools.h"
#include "util/scope.h"

#include <fcntl.h>

#define FEW	100u
#define TIMES	10u /* --count times this is many */
#define SAMPLES 2000u
#define BATCH	100u

struct op_costs {
	double op[4]; /* µs of create, stat, read, unlink */
};

/* Batch by batch, so that @population is what it is said to be. */
static int measure_ops(const struct place *place, int dir, unsigned population,
		       struct op_costs *costs)
{
	struct file_costs made = {}, asked = {};
	int error = 0;

	for (unsigned i = 0; i < SAMPLES / BATCH && !error; i++) {
		error = files_create(dir, "new", BATCH, &made);
		error = error ?: files_stat(dir, "f", population, BATCH, &asked);
		error = error ?: files_read(dir, "f", population, BATCH, &asked);
		error = error ?: files_remove(dir, "new", BATCH, &made);
	}
	place_settle(place);
	*costs = (struct op_costs){{
		(made.create + made.write + made.close) * 1e6 / SAMPLES,
		asked.stat * 1e6 / SAMPLES,
		(asked.open + asked.read + asked.close) * 1e6 / SAMPLES,
		made.unlink * 1e6 / SAMPLES,
	}};
	return error;
}

static int measure_among(const struct place *place, int dir, unsigned population,
			 struct op_costs *costs)
{
	struct file_costs unused = {};
	int error = files_create(dir, "f", population, &unused);

	place_settle(place);
	error = error ?: measure_ops(place, dir, population, costs);
	error = error ?: files_remove(dir, "f", population, &unused);
	place_settle(place);
	return error;
}

static int run_scale(struct bench *bench, const struct row *row, double values[])
{
	const struct place *place = &bench->places[row->place];
	const unsigned many = bench->settings.count * TIMES;
	scope(fd) int dir = open(place->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct op_costs among_few, among_many;
	int error = dir < 0 ? -errno : measure_among(place, dir, FEW, &among_few);

	error = error ?: measure_among(place, dir, many, &among_many);
	for (unsigned i = 0; i < 4 && !error; i++) {
		values[i] = among_few.op[i];
		values[4 + i] = among_many.op[i];
		values[8 + i] = among_many.op[i] / among_few.op[i];
	}
	return error;
}

const struct group group_scale = {
	.name = "scale",
	.what = "an operation among 10 × %N files and among 100, files of 4 KiB",
	.count = 10000,
	.fresh = true,
	.figures = {{"create among 100", "µs"},
		    {"stat among 100", "µs"},
		    {"open+read+close among 100", "µs"},
		    {"unlink among 100", "µs"},
		    {"create among many", "µs"},
		    {"stat among many", "µs"},
		    {"open+read+close among many", "µs"},
		    {"unlink among many", "µs"},
		    {"create, many : 100", "times"},
		    {"stat, many : 100", "times"},
		    {"open+read+close, many : 100", "times"},
		    {"unlink, many : 100", "times"}},
	.rows = {{"tmpfs", TMPFS, true, .run = run_scale},
		 {"passthrough_hp", PASSTHROUGH_HP, true, .run = run_scale},
		 {"dmaheapfs", MOUNT, false, .run = run_scale},
		 {"other", OTHER, false, .run = run_scale}},
};
