// SPDX-License-Identifier: GPL-2.0-or-later
/* dmaheapctl: the table of verbs. */
#include "ctl/ctl.h"
#include "util/escape.h"
#include "util/process.h"
#include "util/scope.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static ctl_verb ctl_help;

static const struct verb {
	const char *name;
	ctl_verb *run;
	const char *arguments;
	const char *help;
} verbs[] = {
	{"status", ctl_status, "[--json|--metrics|--requests] [MOUNT|FILE]",
	 "show the state of all mounts, of one, or of one of its files"},
	{"ls", ctl_ls, "[--json] [MOUNT|DIR|FILE...]",
	 "list buffers: size, memory, exported or not, holders, last copy"},
	{"load", ctl_load, "[--progress] [--checksum sha256:HEX] SRC... FILE|DIR",
	 "copy ordinary files, or stdin (-), into buffers, each completely or not at all"},
	{"save", ctl_save, "[--progress] FILE DST",
	 "copy a buffer to an ordinary file, or to stdout (-)"},
	{"exec", ctl_exec, "[--memory] FD=FILE... -- PROGRAM...",
	 "run a program with the dma-bufs of files as fds, listed in DMAHEAP_FDS"},
	{"import", ctl_import, "[--fd N] FILE",
	 "make the dma-buf on fd N (default: 3) the memory of a new file"},
	{"resize", ctl_resize, "MOUNT SIZE", "change the size= of a mount that is in use"},
	{"upgrade", ctl_upgrade, "MOUNT", "let the installed version go on with a mount in use"},
	{"salvage", ctl_salvage, "PID DIR",
	 "copy the files of a mount that its daemon had to end to a new directory"},
	{"heaps", ctl_heaps, "", "list the heaps of this machine, and what each one needs"},
	{"help", ctl_help, "[VERB]", "show this text, or that of a verb"},
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

enum ctl_exit ctl_fail(const char *format, ...)
{
	scope(free) char *text = NULL, *shown = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) >= 0)
		shown = escape_new(text);
	va_end(args);
	fprintf(stderr, "dmaheapctl: %s\n", shown ?: "out of memory");
	return CTL_FAILED;
}

static void print_verb(const struct verb *verb, const char *before)
{
	printf("%s%s%s%s\n\t%s\n", before, verb->name, *verb->arguments ? " " : "", verb->arguments,
	       verb->help);
}

static void help(void)
{
	puts("Usage: dmaheapctl VERB …\n\nVerbs:");
	for (size_t i = 0; i < VERBS; i++)
		print_verb(&verbs[i], "  ");
	puts("\n  -V, --version    show the version");
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static bool asks_for_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static enum ctl_exit refuse(const char *word)
{
	if (word)
		ctl_fail("there is no verb '%s'; see: dmaheapctl --help", word);
	else
		ctl_fail("no verb given; see: dmaheapctl --help");
	return CTL_USAGE;
}

static enum ctl_exit explain(const char *word)
{
	const struct verb *verb = word ? find_verb(word) : NULL;

	if (word && !verb)
		return refuse(word);
	if (verb)
		print_verb(verb, "Usage: dmaheapctl ");
	else
		help();
	return CTL_DONE;
}

/* getopt(3) puts the program's name before its complaints. */
static enum ctl_exit run(const struct verb *verb, int argc, char *argv[])
{
	char name[64];

	snprintf(name, sizeof(name), "dmaheapctl %s", verb->name);
	argv[0] = name;
	return verb->run(argc, argv);
}

static enum ctl_exit ctl_help(int argc, char *argv[])
{
	return explain(argc > 1 ? argv[1] : NULL);
}

int main(int argc, char *argv[])
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const struct verb *verb = word ? find_verb(word) : NULL;

	if (process_open_std_fds())
		return CTL_FAILED;
	process_reset_signals();
	if (verb && argc > 2 && asks_for_help(argv[2]))
		return explain(word);
	if (verb)
		return run(verb, argc - 1, argv + 1);
	if (word && asks_for_help(word))
		return explain(NULL);
	if (!word || (strcmp(word, "--version") && strcmp(word, "-V")))
		return refuse(word);
	puts("dmaheapctl " DMAHEAPFS_VERSION);
	return CTL_DONE;
}
