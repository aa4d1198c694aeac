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
	.window = 128 << 20,
	.heap = "system",
	.dir = "/var/tmp",
};

static const struct option options[] = {
	{"rows", required_argument, NULL, 'r'},	  {"size", required_argument, NULL, 's'},
	{"count", required_argument, NULL, 'c'},  {"runs", required_argument, NULL, 'n'},
	{"window", required_argument, NULL, 'w'}, {"seed", required_argument, NULL, 'S'},
	{"heap", required_argument, NULL, 'H'},	  {"dir", required_argument, NULL, 'd'},
	{"csv", required_argument, NULL, 'o'},	  {"json", required_argument, NULL, 'j'},
	{"svg", required_argument, NULL, 'v'},	  {"plain", required_argument, NULL, 'p'},
	{"help", no_argument, NULL, 'h'},	  {},
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
	      "Measures copies into memory and out of it, with dmaheapfs and without. Rivals take\n"
	      "turns. Prints medians, ratios of pairs, and ranges. Needs root, and drops the "
	      "caches\n"
	      "of the whole machine. All its mounts and processes end with it. On a busy machine,\n"
	      "use: taskset -c 1 chrt -f 1 dmaheap-bench …\n\n"
	      "      --rows PATTERN,…  rows to run: GROUP or GROUP/ROW, with * and ?\n"
	      "      --size MIB        size of a file, or with k in KiB (default: the group's)\n"
	      "      --count N         number of files (default: the group's)\n"
	      "      --runs N          counted runs of each row (default: 5)\n"
	      "      --window MIB      memory that the limit reuses (default: 128)\n"
	      "      --seed N          repeat the order of rows of the run with this seed\n"
	      "      --heap NAME       a dma-heap (default: system)\n"
	      "      --dir DIR         a directory on a disk (default: /var/tmp)\n"
	      "      --csv FILE        the same figures as CSV\n"
	      "      --json FILE       the figures of each run, and the machine\n"
	      "      --svg DIR         a chart of each group\n"
	      "      --plain PROGRAM   a dmaheapfs built without passthrough\n"
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

/* At least a piece of the limit. */
static int take_window(const char *text, uint64_t *window)
{
	if (take_size(text, window))
		return -1;
	return *window >= 1 << 20 && *window <= 1 << 30
		       ? 0
		       : usage("--window is from 1 to 1024 MiB, not", text);
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
	case 'w':
		return take_window(optarg, &settings->window);
	case 'S':
		return take_number(optarg, UINT64_MAX, &settings->seed);
	default:
		return -1;
	}
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
	bench.settings.seed = bench.settings.seed ?: (uint64_t)time(NULL);
	find_programs();
	if (!is_any_wanted(&bench.settings) && usage("no row matches", bench.settings.patterns))
		return EXIT_USAGE;
	return supervise(&bench, run_all);
}
