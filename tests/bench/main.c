// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"
#include "util/number.h"

#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

static const struct settings defaults = {
	.runs = 5,
	.largest = 6ull << 30,
	.window = 128 << 20,
	.heap = "system",
	.dir = "/var/tmp",
};

static const struct option options[] = {
	{"rows", required_argument, NULL, 'r'},	   {"size", required_argument, NULL, 's'},
	{"count", required_argument, NULL, 'c'},   {"runs", required_argument, NULL, 'n'},
	{"largest", required_argument, NULL, 'l'}, {"window", required_argument, NULL, 'w'},
	{"seed", required_argument, NULL, 'S'},	   {"heap", required_argument, NULL, 'H'},
	{"dir", required_argument, NULL, 'd'},	   {"disks", required_argument, NULL, 'D'},
	{"csv", required_argument, NULL, 'o'},	   {"json", required_argument, NULL, 'j'},
	{"svg", required_argument, NULL, 'v'},	   {"plain", required_argument, NULL, 'p'},
	{"help", no_argument, NULL, 'h'},	   {},
};

static void print_rows(const struct group *group)
{
	const struct settings settings = settings_for(&defaults, group);

	printf("\n%s%s: ", group->name, group->by_default ? "" : " (only by --rows)");
	print_what(stdout, &settings, group);
	fputs("\n", stdout);
	for (const struct row *row = group->rows; row->name; row++)
		printf("    %s/%s\n", group->name, row->name);
}

static void print_help(void)
{
	fputs("Usage: dmaheap-bench [OPTION]…\n"
	      "Measures copies into memory and out of it, with dmaheapfs and without. Rivals\n"
	      "take turns; shown are medians, ratios of pairs, and how far runs lie apart.\n"
	      "Needs root; all it mounts and starts ends with it. It drops the caches of the\n"
	      "whole machine. On a busy one, and to see what work costs rather than waking:\n"
	      "taskset -c 1 chrt -f 1 dmaheap-bench …\n\n"
	      "      --rows PATTERN,…  what to run: GROUP or GROUP/ROW, with * and ?\n"
	      "      --size MIB        size of a file, or with k in KiB (the group's own)\n"
	      "      --count N         number of files (the group's own)\n"
	      "      --runs N          counted runs of each row (5)\n"
	      "      --largest MIB     how much the groups of growth copy at most (6144)\n"
	      "      --window MIB      memory that the limit goes round in (128)\n"
	      "      --seed N          the order of rows that a run with this seed had\n"
	      "      --heap NAME       a dma-heap (system)\n"
	      "      --dir DIR         a directory on a disk (/var/tmp)\n"
	      "      --disks DIR,…     up to four on others, for grow-disk\n"
	      "      --csv FILE        the same figures as CSV\n"
	      "      --json FILE       the figures of each run, and what machine it was\n"
	      "      --svg DIR         a drawing of each group\n"
	      "      --plain PROGRAM   a dmaheapfs that is built without passthrough\n"
	      "      --help            this text\n",
	      stdout);
	for (const struct group *const *group = groups; *group; group++)
		print_rows(*group);
}

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "dmaheap-bench: %s '%s'; see: dmaheap-bench --help\n", what, value);
	return -1;
}

static int take_number(const char *text, uint64_t max, uint64_t *number)
{
	return parse_size(text, number) || *number > max ? usage("not a usable number:", text) : 0;
}

/* MiB, unless it says otherwise. */
static int take_size(const char *text, uint64_t *size)
{
	const size_t length = strlen(text);
	const bool plain = length && strchr("0123456789", text[length - 1]);
	uint64_t number = 0;
	int error = take_number(text, 1ull << 40, &number);

	if (!error)
		*size = plain ? number << 20 : number;
	return error;
}

static int take_count(const char *text, unsigned max, unsigned *count)
{
	uint64_t number = 0;
	int error = take_number(text, max, &number);

	if (!error)
		*count = number;
	return error;
}

static bool is_any_wanted(const struct settings *settings)
{
	for (const struct group *const *group = groups; *group; group++)
		if (is_wanted(settings, *group, NULL))
			return true;
	return false;
}

/* The member that takes an option's text. */
static const char **text_of(struct settings *settings, int letter)
{
	switch (letter) {
	case 'r':
		return &settings->patterns;
	case 'H':
		return &settings->heap;
	case 'd':
		return &settings->dir;
	case 'D':
		return &settings->disks;
	case 'o':
		return &settings->csv;
	case 'j':
		return &settings->json;
	case 'v':
		return &settings->svg;
	case 'p':
		return &settings->plain;
	default:
		return NULL;
	}
}

static int take_option(struct settings *settings, int letter)
{
	const char **text = text_of(settings, letter);

	if (text) {
		*text = optarg;
		return 0;
	}
	switch (letter) {
	case 's':
		return take_size(optarg, &settings->size);
	case 'c':
		return take_count(optarg, 1000000, &settings->count);
	case 'n':
		return take_count(optarg, MAX_RUNS, &settings->runs);
	case 'l':
		return take_size(optarg, &settings->largest);
	case 'w':
		return take_size(optarg, &settings->window);
	case 'S':
		return take_number(optarg, UINT64_MAX, &settings->seed);
	default:
		return -1;
	}
}

/* The limit's ring holds a piece of a megabyte at least, and no more than it may map. */
static int check_window(const struct settings *settings)
{
	if (settings->window >= 1 << 20 && settings->window <= 1 << 30)
		return 0;
	return usage("--window is from 1 to 1024 MiB, not", "what was given");
}

/* Ours are those that lie beside this one. */
static void find_programs(void)
{
	char self[PATH_MAX], path[2 * PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return;
	self[length] = '\0';
	snprintf(path, sizeof(path), "%s:%s", dirname(self), getenv("PATH") ?: "");
	setenv("PATH", path, true);
}

int main(int argc, char *argv[])
{
	static struct bench bench;
	int letter;

	bench.settings = defaults;
	while ((letter = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (letter == 'h') {
			print_help();
			return EXIT_SUCCESS;
		}
		if (take_option(&bench.settings, letter))
			return EXIT_USAGE;
	}
	if (optind < argc && usage("unknown argument", argv[optind]))
		return EXIT_USAGE;
	if (check_window(&bench.settings))
		return EXIT_USAGE;
	bench.settings.seed = bench.settings.seed ?: (uint64_t)time(NULL);
	find_programs();
	if (!is_any_wanted(&bench.settings) && usage("no row matches", bench.settings.patterns))
		return EXIT_USAGE;
	return supervise(&bench, run_all);
}
