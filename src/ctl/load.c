// SPDX-License-Identifier: GPL-2.0-or-later
/* load: an ordinary file becomes a buffer, all of it or not at all. */
#include "ctl/checksum.h"
#include "ctl/ctl.h"
#include "ctl/publish.h"
#include "ctl/watch.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

struct load {
	const char *source, *target;
	struct checksum checksum;
	bool progress;
};

static int open_source(const char *path)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC)
				   : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static bool is_on_mount(int directory)
{
	return fgetxattr(directory, "user.dmaheap.heap", NULL, 0) > 0;
}

static uint64_t bytes_to_come(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_size ? (uint64_t)st->st_size : COPY_TO_THE_END;
}

/* Whether it has seen the copy itself: it knows more of what the kernel moved than we do. */
static bool mount_knows(int file)
{
	char line[COPY_LINE_BYTES] = "";

	return fgetxattr(file, "user.dmaheap.copy", line, sizeof(line) - 1) > 0 &&
	       strncmp(line, "engine=passthrough", strlen("engine=passthrough")) &&
	       strncmp(line, "engine=daemon", strlen("engine=daemon"));
}

/* A copy by the kernel that the mount has nothing to tell of was from one of its own files. */
static void tell_mount(int file, const struct copy_report *report)
{
	struct copy_report told = *report;
	char line[COPY_LINE_BYTES];

	if (!strcmp(report->engine, "copy_file_range")) {
		if (mount_knows(file))
			return;
		told.direct = false;
		snprintf(told.reason, sizeof(told.reason), "from memory to memory, by the mount");
	}
	copy_report_print(&told, line);
	/* Nothing is worse for it where the mount will not hear of it. */
	fsetxattr(file, "user.dmaheap.copy", line, strlen(line), 0);
}

static ssize_t copy_bytes(const struct load *load, int source, const struct stat *st, int file)
{
	struct copy copy = {
		.direction = COPY_TO_MEMORY,
		.file = source,
		.memory = copy_memory_of_file(file),
		.length = COPY_TO_THE_END,
		.fresh = true,
	};
	const struct watch_options options = {.progress = load->progress,
					      .total = bytes_to_come(st)};
	struct copy_report report;
	ssize_t n;

	if (S_ISREG(st->st_mode)) {
		const off_t position = lseek(source, 0, SEEK_CUR);

		copy.file_offset = position > 0 ? position : 0;
	}
	n = watch_copy(&copy, &options, &report);
	if (n >= 0 && report.error)
		n = report.error;
	if (n > 0)
		tell_mount(file, &report);
	return n;
}

static int check(const struct load *load, int file, ssize_t size)
{
	return load->checksum.wanted ? checksum_check(&load->checksum, file, (uint64_t)size) : 0;
}

static enum ctl_exit fail_load(const struct load *load, ssize_t error)
{
	if (watch_was_interrupted())
		return CTL_FAILED;
	if (error == -EBADMSG)
		return ctl_fail("%s does not have this checksum; %s is as it was", load->source,
				load->target);
	return ctl_fail("loading %s into %s: %s", load->source, load->target,
			strerror((int)-error));
}

static enum ctl_exit fill(const struct load *load, int source, const struct stat *st,
			  struct publish *publish)
{
	ssize_t n;

	if (!is_on_mount(publish->directory))
		return ctl_fail("%s is not on a dmaheapfs mount", load->target);
	n = copy_bytes(load, source, st, publish->file);
	if (n >= 0)
		n = check(load, publish->file, n);
	if (n >= 0)
		n = publish_commit(publish, false, watch_was_interrupted);
	return n < 0 ? fail_load(load, n) : CTL_DONE;
}

static enum ctl_exit run(const struct load *load)
{
	scope(fd) int source = open_source(load->source);
	struct publish publish;
	enum ctl_exit status;
	struct stat st;
	int err;

	if (source < 0 || fstat(source, &st))
		return ctl_fail("%s: %s", load->source, strerror(source < 0 ? -source : errno));
	if (S_ISDIR(st.st_mode))
		return ctl_fail("%s: %s", load->source, strerror(EISDIR));
	err = publish_begin(&publish, load->target, S_ISREG(st.st_mode) ? st.st_mode : 0666);
	if (err)
		return ctl_fail("%s: %s", load->target, strerror(-err));
	status = fill(load, source, &st, &publish);
	publish_end(&publish);
	return status;
}

static enum ctl_exit refuse(const char *why)
{
	if (why)
		ctl_fail("%s; see: dmaheapctl --help", why);
	return CTL_USAGE;
}

enum ctl_exit ctl_load(int argc, char *argv[])
{
	static const struct option words[] = {{"progress", no_argument, NULL, 'p'},
					      {"checksum", required_argument, NULL, 'c'},
					      {}};
	struct load load = {0};
	enum ctl_exit status;
	int letter;

	while ((letter = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (letter == 'p')
			load.progress = true;
		else if (letter != 'c')
			return CTL_USAGE;
		else if (checksum_parse(optarg, &load.checksum))
			return refuse("a checksum is sha256: and 64 hexadecimal digits");
	}
	if (optind != argc - 2)
		return refuse("load wants SRC and FILE");
	load.source = argv[optind];
	load.target = argv[optind + 1];
	watch_begin();
	status = run(&load);
	watch_end(status == CTL_DONE);
	return status;
}
