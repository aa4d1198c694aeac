// SPDX-License-Identifier: GPL-2.0-or-later
#include "through.h"

#include "sample.h"
#include "set.h"
#include "table.h"
#include "tools.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A command line; owns its words. */
struct line {
	char **argv;
	unsigned count;
	char output[SET_PATH];
};

static int add_word(struct line *line, const char *word)
{
	char **more = realloc(line->argv, (line->count + 2) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	line->argv = more;
	line->argv[line->count] = strdup(word);
	line->argv[line->count + 1] = NULL;
	return line->argv[line->count++] ? 0 : -ENOMEM;
}

static void drop_line(struct line *line)
{
	for (unsigned i = 0; i < line->count; i++)
		free(line->argv[i]);
	free(line->argv);
	*line = (struct line){};
}

static int add_paths(struct line *line, const struct set *set)
{
	char path[SET_PATH];
	int error = 0;

	for (unsigned i = 0; i < set->count && !error; i++) {
		set_path(set, i, path);
		error = add_word(line, path);
	}
	return error;
}

/* The word with < or > replaced, if it has one. */
static int add_one(struct line *line, const char *word, const char *from, const char *to)
{
	char text[2 * SET_PATH];
	const char *at = strpbrk(word, "<>");

	if (!at)
		return add_word(line, word);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - word), word, *at == '<' ? from : to,
		 at + 1);
	return add_word(line, text);
}

static int make_line(struct line *line, const struct through *through, const struct set *from,
		     const struct set *to, unsigned number)
{
	char source[SET_PATH], target[SET_PATH];
	int error = 0;

	set_path(from, number, source);
	set_path(to, number, target);
	snprintf(line->output, sizeof(line->output), "%s", target);
	for (const char *const *word = through->argv; *word && !error; word++) {
		if (!strcmp(*word, "<<"))
			error = add_paths(line, from);
		else if (!strcmp(*word, ">>"))
			error = add_word(line, to->dir);
		else
			error = add_one(line, *word, source, target);
	}
	return error;
}

/* Adds the process's CPU time, and the daemon's meanwhile, to @cpu. */
static int run_line(const struct place *place, const struct through *through,
		    const struct set *from, const struct set *to, unsigned number, double *cpu)
{
	struct line line = {};
	struct usage usage = {};
	int error = make_line(&line, through, from, to, number);
	const struct job job = {
		.argv = (const char *const *)line.argv,
		.output = through->output ? line.output : NULL,
	};

	error = error ?: run_tool(place, &job, &usage);
	*cpu += usage.cpu;
	drop_line(&line);
	return error;
}

static int run_lines(const struct place *place, const struct through *through,
		     const struct set *from, const struct set *to, double *cpu)
{
	int error = 0;

	for (unsigned i = 0; i < (through->each ? from->count : 1) && !error; i++)
		error = run_line(place, through, from, to, i, cpu);
	return error;
}

/* Until the last byte is on the disk, as far as this is one. */
static int sync_set(const struct set *set)
{
	char path[SET_PATH];

	for (unsigned i = 0; i < set->count; i++) {
		set_path(set, i, path);
		scope(fd) int file = open(path, O_RDONLY | O_CLOEXEC);

		if (file < 0 || fdatasync(file))
			return -errno;
	}
	return 0;
}

static int run_io(struct bench *bench, const struct row *row, const struct set *from,
		  const struct set *to, double values[])
{
	const struct place *place = &bench->places[row->place];
	const struct through *through = row->how;
	int error = drop_caches_but(through->argv[0]);
	const struct meter meter = meter_start();
	double cpu = 0;

	error = error ?: run_lines(place, through, from, to, &cpu);
	if (!error && !through->nowhere)
		error = sync_set(to);
	meter_stop(bench, &meter, from->count * from->size, cpu, values);
	return error;
}

static int remove_timed(const struct set *set, double *milliseconds)
{
	const double start = now();
	const int error = set_remove(set);

	*milliseconds = (now() - start) * 1e3;
	return error;
}

static int run_checked(struct bench *bench, const struct row *row, const struct set *from,
		       const struct set *to, double values[])
{
	const struct through *through = row->how;
	int error = set_remove(to) ?: run_io(bench, row, from, to, values);

	if (!error && !through->nowhere)
		error = set_check(bench, to);
	return remove_timed(to, &values[CLOSE]) ?: error;
}

static int needs_tool(struct bench *bench, const struct row *row)
{
	const struct through *through = row->how;

	return has_tool(through->argv[0]) ? 0
					  : unable(bench, "%s is not installed", through->argv[0]);
}

static void set_in_place(const struct bench *bench, const struct row *row, const struct set *like,
			 struct set *set)
{
	*set = *like;
	snprintf(set->dir, sizeof(set->dir), "%.480s", bench->places[row->place].dir);
}

static void see_by_view(const struct bench *bench, const struct row *row, struct set *set)
{
	char view[SET_PATH];

	place_view(&bench->places[row->place], view);
	set_sources_dir(set, view);
}

int run_in(struct bench *bench, const struct row *row, double values[])
{
	const struct through *through = row->how;
	struct set from, to;
	int error = needs_tool(bench, row);

	if (!error)
		error = set_of_sources(&from, bench->files, bench->settings.count,
				       bench->settings.size);
	if (error)
		return error;
	set_in_place(bench, row, &from, &to);
	if (through->view)
		see_by_view(bench, row, &from);
	return run_checked(bench, row, &from, &to, values);
}

int prepare_out(struct bench *bench, const struct row *row)
{
	struct set from, to;
	static const struct through cp = {.argv = CP_ALL};
	struct stat st;
	char path[SET_PATH];
	double cpu = 0;
	int error =
		set_of_sources(&from, bench->files, bench->settings.count, bench->settings.size);

	set_in_place(bench, row, &from, &to);
	set_path(&to, to.count - 1, path);
	if (error || row->place == NOWHERE || !stat(path, &st))
		return error;
	return run_lines(&bench->places[row->place], &cp, &from, &to, &cpu);
}

int run_out(struct bench *bench, const struct row *row, double values[])
{
	struct set like, from, to;
	int error = needs_tool(bench, row);

	if (!error)
		error = set_of_sources(&like, bench->files, bench->settings.count,
				       bench->settings.size);
	if (error)
		return error;
	set_in_place(bench, row, &like, &from);
	to = like;
	snprintf(to.dir, sizeof(to.dir), "%.400s/copied", bench->files);
	if (mkdir(to.dir, 0755) && errno != EEXIST)
		return -errno;
	return run_checked(bench, row, &from, &to, values);
}
