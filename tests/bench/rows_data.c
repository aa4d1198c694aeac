// SPDX-License-Identifier: GPL-2.0-or-later
/* A large file, written and read back by the programs that people use. */
#include "bench.h"
#include "set.h"
#include "tools.h"
#include "util/scope.h"

#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define ROOM (512ull << 20) /* that the rest of the machine keeps */

static struct place *place_of(struct bench *bench, const struct row *row)
{
	return &bench->places[row->place];
}

/* The file to copy from, made once, on the disk. */
static int source_path(struct bench *bench, char path[static PATH_MAX])
{
	struct stat st;

	snprintf(path, PATH_MAX, "%s/source", bench->files);
	return stat(path, &st) ? make_file(path, bench->settings.size, 0) : 0;
}

static void target_path(struct bench *bench, const struct row *row, char path[static PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.*s/file", PATH_MAX - 8, place_of(bench, row)->dir);
}

static int have_memory(uint64_t bytes)
{
	return memory_field("MemAvailable") < bytes + ROOM ? -ENOMEM : 0;
}

static int copy(struct bench *bench, const struct row *row, const char *source, double values[])
{
	char target[PATH_MAX];
	target_path(bench, row, target);
	const char *const argv[] = {"cp", source, target, NULL};
	struct usage usage;
	int error = run_tool(place_of(bench, row), argv, &usage);

	unlink(target);
	values[0] = usage.seconds;
	values[1] = usage.cpu;
	return error;
}

static int run_cp(struct bench *bench, const struct row *row, double values[])
{
	char source[PATH_MAX];
	int error = have_memory(bench->settings.size) ?: source_path(bench, source);

	if (!error)
		error = load_pages(source) ?: warm_memory(bench->settings.size);
	return error ?: copy(bench, row, source, values);
}

static int run_cp_cold(struct bench *bench, const struct row *row, double values[])
{
	char source[PATH_MAX];
	int error = have_memory(2 * bench->settings.size) ?: source_path(bench, source);

	if (!error)
		error = forget_pages(source) ?: warm_memory(2 * bench->settings.size);
	return error ?: copy(bench, row, source, values);
}

static const char *needs_disk(const struct bench *bench)
{
	struct statfs st;

	if (!statfs(bench->settings.dir, &st) && st.f_type == TMPFS_MAGIC)
		return "--dir is a tmpfs, whose files are never cold";
	return NULL;
}

/* Copied in, as its user would: that decides how its memory lies. */
static int prepare_file(struct bench *bench, const struct row *row)
{
	char source[PATH_MAX], target[PATH_MAX];
	int error = have_memory(bench->settings.size) ?: source_path(bench, source);
	struct usage usage;

	if (!error)
		error = warm_memory(bench->settings.size);
	if (error)
		return error;
	target_path(bench, row, target);
	const char *const argv[] = {"cp", source, target, NULL};

	return run_tool(place_of(bench, row), argv, &usage);
}

static int read_back(struct bench *bench, const struct row *row, const char *const argv[],
		     double values[])
{
	struct usage usage;
	int error = run_tool(place_of(bench, row), argv, &usage);

	values[0] = usage.seconds;
	values[1] = usage.cpu;
	return error;
}

static int run_dd(struct bench *bench, const struct row *row, double values[])
{
	char from[PATH_MAX], word[PATH_MAX + 4];
	target_path(bench, row, from);
	const char *const argv[] = {"dd", word, "of=/dev/null", "bs=1M", "status=none", NULL};

	snprintf(word, sizeof(word), "if=%s", from);
	return read_back(bench, row, argv, values);
}

static int run_sha256sum(struct bench *bench, const struct row *row, double values[])
{
	char from[PATH_MAX];
	target_path(bench, row, from);
	const char *const argv[] = {"sha256sum", from, NULL};

	return read_back(bench, row, argv, values);
}

#define FIGURES                              \
	{                                    \
		{"time", "s"}, {"cpu", "s"}, \
	}
#define ROWS(function)                                                              \
	{                                                                           \
		{"tmpfs", TMPFS, true, .run = function},                            \
			{"dmaheapfs", MOUNT, false, .run = function},               \
			{"other", OTHER, false, .run = function},                   \
			{"passthrough_hp", PASSTHROUGH_HP, false, .run = function}, \
			{"tmpfs-huge", TMPFS_HUGE, false, .run = function},         \
			{"dmaheapfs-huge", MOUNT_HUGE, false, .run = function},     \
	}

const struct group group_cp = {
	.name = "cp",
	.what = "cp of %S to a new file, the source in the page cache",
	.size = 256 << 20,
	.by_default = true,
	.figures = FIGURES,
	.rows = ROWS(run_cp),
};

const struct group group_cp_cold = {
	.name = "cp-cold",
	.what = "cp of %S to a new file, the source on the disk",
	.size = 256 << 20,
	.unable = needs_disk,
	.figures = FIGURES,
	.rows = ROWS(run_cp_cold),
};

const struct group group_dd = {
	.name = "dd",
	.what = "dd bs=1M of a file of %S to /dev/null",
	.size = 256 << 20,
	.by_default = true,
	.prepare = prepare_file,
	.figures = FIGURES,
	.rows = ROWS(run_dd),
};

const struct group group_sha256sum = {
	.name = "sha256sum",
	.what = "sha256sum of a file of %S",
	.size = 256 << 20,
	.by_default = true,
	.prepare = prepare_file,
	.figures = FIGURES,
	.rows = ROWS(run_sha256sum),
};
