// SPDX-License-Identifier: GPL-2.0-or-later
/* exec: runs a program with dma-bufs as inherited fds. */
#include "ctl/ctl.h"
#include "lib/dmaheapfs.h"
#include "util/process.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* "FD=FILE" of the command line. */
struct handover {
	int target;
	const char *path;
	int fd; /* until it becomes @target */
};

static bool parse_one(const char *word, struct handover *handover)
{
	char *end;

	errno = 0;
	const long target = strtol(word, &end, 10);

	if (*word < '0' || *word > '9' || *end != '=' || !end[1] || errno || target > 1 << 20)
		return false;
	*handover = (struct handover){.target = (int)target, .path = end + 1, .fd = -1};
	return true;
}

static bool is_taken(const struct handover *all, int count, int target)
{
	for (int i = 0; i < count; i++)
		if (all[i].target == target)
			return true;
	return false;
}

/* Parses the words before "--". Returns their number; -1: one is invalid. */
static int parse(char *words[], struct handover *all)
{
	int count = 0;

	for (; words[count] && strcmp(words[count], "--"); count++) {
		struct handover *one = &all[count];

		if (!parse_one(words[count], one) || is_taken(all, count, one->target)) {
			ctl_fail("'%s': expected FD=FILE, with each FD used once%s", words[count],
				 count ? "; is there no -- before the program?" : "");
			return -1;
		}
	}
	return count;
}

/* Returns the dma-buf, or with @memory the memory file if the heap has no dma-bufs. */
static int fetch(const char *path, bool memory)
{
	const int fd = dmaheap_export(path);

	return fd == -EOPNOTSUPP && memory ? dmaheap_memory(path, DMAHEAP_WRITE) : fd;
}

/* Moves @fd above all targets, so that dup2() does not overwrite it. */
static int move_up(int fd, const struct handover *all, int count)
{
	int highest = 0;

	for (int i = 0; i < count; i++)
		if (all[i].target > highest)
			highest = all[i].target;
	const int moved = fcntl(fd, F_DUPFD_CLOEXEC, highest + 1);
	const int error = -errno;

	close_fd(fd);
	return moved < 0 ? error : moved;
}

static int fetch_all(struct handover *all, int count, bool memory)
{
	for (int i = 0; i < count; i++) {
		int fd = fetch(all[i].path, memory);

		if (fd >= 0)
			fd = move_up(fd, all, count);
		if (fd < 0) {
			ctl_fail("%s: %s", all[i].path, dmaheap_strerror(fd));
			return fd;
		}
		all[i].fd = fd;
	}
	return 0;
}

/* Sets DMAHEAP_FDS to a list such as "3 5", which a shell can loop over. */
static int set_environment(const struct handover *all, int count)
{
	scope(free) char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return -ENOMEM;
	for (int i = 0; i < count; i++)
		fprintf(out, "%s%d", i ? " " : "", all[i].target);
	if (fclose(out))
		return -ENOMEM;
	return setenv("DMAHEAP_FDS", text, true) ? -errno : 0;
}

static int hand_over(const struct handover *all, int count)
{
	for (int i = 0; i < count; i++)
		if (dup2(all[i].fd, all[i].target) < 0)
			return -errno;
	return set_environment(all, count);
}

static enum ctl_exit run(struct handover *all, int count, bool memory, char *program[])
{
	/* Each buffer takes two fds for a moment. */
	const struct rlimit limit = process_raise_fd_limit();

	if (fetch_all(all, count, memory))
		return CTL_FAILED;
	const int error = hand_over(all, count);

	if (error)
		return ctl_fail("cannot pass the dma-bufs on: %s", strerror(-error));
	setrlimit(RLIMIT_NOFILE, &limit);
	process_restore_signals();
	execvp(program[0], program);
	const enum ctl_exit status = errno == ENOENT ? CTL_NOT_FOUND : CTL_NOT_RUN;

	ctl_fail("%s: %s", program[0], strerror(errno));
	return status;
}

enum ctl_exit ctl_exec(int argc, char *argv[])
{
	static const struct option words[] = {{"memory", no_argument, NULL, 'm'}, {}};
	scope(free) struct handover *all = calloc((size_t)argc, sizeof(*all));
	bool memory = false;
	int letter;

	if (!all)
		return ctl_fail("out of memory");
	/* "+": options after the first word belong to the program. */
	while ((letter = getopt_long(argc, argv, "+", words, NULL)) != -1) {
		if (letter != 'm')
			return CTL_USAGE;
		memory = true;
	}
	const int count = parse(argv + optind, all);

	if (count < 0)
		return CTL_USAGE;
	if (!count || optind + count + 1 >= argc) {
		ctl_fail("exec needs FD=FILE… -- PROGRAM…; see: dmaheapctl --help");
		return CTL_USAGE;
	}
	return run(all, count, memory, argv + optind + count + 1);
}
