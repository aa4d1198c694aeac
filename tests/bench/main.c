// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"

#include "util/number.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

static const struct settings defaults = {
	.size = 256 << 20,
	.count = 10000,
	.runs = 5,
	.dir = "/var/tmp",
};

static const struct option options[] = {
	{"rows", required_argument, NULL, 'r'},	 {"size", required_argument, NULL, 's'},
	{"count", required_argument, NULL, 'c'}, {"runs", required_argument, NULL, 'n'},
	{"dir", required_argument, NULL, 'd'},	 {"csv", required_argument, NULL, 'o'},
	{"other", required_argument, NULL, 'O'}, {"help", no_argument, NULL, 'h'},
	{},
};

static void print_rows(const struct settings *settings, const struct group *group)
{
	printf("\n%s%s: ", group->name, group->by_default ? "" : " (only by --rows)");
	print_what(settings, group);
	fputs("\n   ", stdout);
	for (const struct row *row = group->rows; row->name; row++)
		printf(" %s/%s", group->name, row->name);
	putchar('\n');
}

static void print_help(void)
{
	fputs("Usage: dmaheap-bench [OPTION]…\n"
	      "Measures dmaheapfs beside tmpfs and libfuse's passthrough_hp. Rivals take\n"
	      "turns; shown are medians, ratios of pairs, and how far runs lie apart.\n"
	      "Needs root; all it mounts and starts ends with it. On a busy machine, and to\n"
	      "see what work costs rather than waking: taskset -c 1 chrt -f 1 dmaheap-bench …\n\n"
	      "      --rows PATTERN,…  what to run: GROUP or GROUP/ROW, with * and ?\n"
	      "      --size MIB        size of a large file (256)\n"
	      "      --count N         number of small files (10000)\n"
	      "      --runs N          counted runs of each row (5)\n"
	      "      --dir DIR         a directory on a disk (/var/tmp)\n"
	      "      --csv FILE        the same figures as CSV\n"
	      "      --other PROGRAM   a second dmaheapfs, say of another build, as a rival\n"
	      "      --help            this text\n",
	      stdout);
	for (const struct group *const *group = groups; *group; group++)
		print_rows(&defaults, *group);
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

static bool is_any_wanted(const struct settings *settings)
{
	for (const struct group *const *group = groups; *group; group++)
		if (is_wanted(settings, *group, NULL))
			return true;
	return false;
}

static int take_option(struct settings *settings, int letter)
{
	uint64_t number = 0;
	int error = 0;

	switch (letter) {
	case 'r':
		settings->patterns = optarg;
		break;
	case 's':
		error = take_number(optarg, 1 << 20, &number);
		settings->size = number << 20;
		break;
	case 'c':
		error = take_number(optarg, 1000000, &number);
		settings->count = number;
		break;
	case 'n':
		error = take_number(optarg, MAX_RUNS, &number);
		settings->runs = number;
		break;
	case 'd':
		settings->dir = optarg;
		break;
	case 'o':
		settings->csv = optarg;
		break;
	case 'O':
		settings->other = optarg;
		break;
	default:
		error = -1;
	}
	return error;
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
	if (!is_any_wanted(&bench.settings) && usage("no row matches", bench.settings.patterns))
		return EXIT_USAGE;
	return supervise(&bench, run_all);
}
