// SPDX-License-Identifier: GPL-2.0-or-later
/* load: copies an ordinary file into a buffer, completely or not at all. */
#include "ctl/atomic_file.h"
#include "ctl/checksum.h"
#include "ctl/ctl.h"
#include "ctl/open_name.h"
#include "ctl/progress.h"
#include "util/fd_path.h"
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
	const int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC)
					 : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static bool is_on_mount(int directory)
{
	return fgetxattr(directory, "user.dmaheap.heap", NULL, 0) > 0;
}

static uint64_t expected_bytes(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_size ? (uint64_t)st->st_size : COPY_TO_THE_END;
}

/* The engine that the mount has seen. */
static bool mount_saw(int file, const char *engine)
{
	char line[COPY_LINE_BYTES] = "";

	return fgetxattr(file, "user.dmaheap.copy", line, sizeof(line) - 1) > 0 &&
	       !strncmp(line, engine, strlen(engine));
}

/*
 * The mount knows better than we how the kernel copied, if it was into a dma-buf. It sees no
 * copy into a memory file; and if it copied itself, the source was one of its own files.
 */
static void report_to_mount(int file, const struct copy_report *report)
{
	const bool by_kernel = !strcmp(report->engine, "copy_file_range");
	struct copy_report reported = *report;
	char line[COPY_LINE_BYTES];

	if (by_kernel && mount_saw(file, "engine=copy_file_range"))
		return;
	if (by_kernel && mount_saw(file, "engine=daemon")) {
		reported.direct = false;
		snprintf(reported.reason, sizeof(reported.reason),
			 "from memory to memory, by the mount");
	}
	copy_report_print(&reported, line);
	/* An error does not matter to the copy. */
	fsetxattr(file, "user.dmaheap.copy", line, strlen(line), 0);
}

/* A @fresh file is empty and ours. */
static int64_t copy_bytes(const struct load *load, int source, const struct stat *st, int file,
			  off_t memory_offset, bool fresh)
{
	struct copy copy = {
		.direction = COPY_TO_MEMORY,
		.file = source,
		.memory_offset = memory_offset,
		.length = COPY_TO_THE_END,
		.fresh = fresh,
	};
	const struct progress_options options = {.always = load->progress,
						 .total = expected_bytes(st)};
	struct copy_report report;

	if (S_ISREG(st->st_mode)) {
		const off_t position = lseek(source, 0, SEEK_CUR);

		copy.file_offset = position > 0 ? position : 0;
	}
	const int64_t n = progress_copy(&copy, file, &options, &report);

	if (n > 0)
		report_to_mount(file, &report);
	return n;
}

static int check(const struct load *load, int file, int64_t size)
{
	return load->checksum.wanted ? checksum_check(&load->checksum, file, (uint64_t)size) : 0;
}

static enum ctl_exit fail_load(const struct load *load, int64_t error)
{
	if (progress_was_interrupted())
		return CTL_FAILED;
	if (error == -EBADMSG)
		return ctl_fail("%s does not have this checksum; %s is unchanged", load->source,
				load->target);
	return ctl_fail("loading %s into %s: %s", load->source, load->target,
			strerror((int)-error));
}

static enum ctl_exit fill(const struct load *load, int source, const struct stat *st,
			  struct atomic_file *target)
{
	if (!is_on_mount(target->directory))
		return ctl_fail("%s is not on a dmaheapfs mount", load->target);
	int64_t n = copy_bytes(load, source, st, target->file, 0, true);

	if (n >= 0)
		n = check(load, target->file, n);
	if (n >= 0)
		n = atomic_file_commit(target, false);
	return n < 0 ? fail_load(load, n) : CTL_DONE;
}

/*
 * Into an open file. By an fd of its own, since O_APPEND would move the pieces of the copy.
 * The next write to the open file goes behind them.
 */
static enum ctl_exit load_open(const struct load *load, int source, const struct stat *st,
			       int target)
{
	if (target < 0)
		return fail_load(load, target);
	if (!is_on_mount(target))
		return ctl_fail("%s is not on a dmaheapfs mount", load->target);
	if (load->checksum.wanted)
		return ctl_fail("%s is an open file, which cannot be left unchanged: --checksum "
				"needs the file's name",
				load->target);
	scope(fd) int own = reopen_fd(target, O_RDWR);

	if (own < 0)
		return fail_load(load, own);
	const off_t position = open_name_position(target);
	const int64_t n = copy_bytes(load, source, st, own, position, false);

	if (n < 0)
		return fail_load(load, n);
	lseek(target, position + n, SEEK_SET);
	return CTL_DONE;
}

static enum ctl_exit run(const struct load *load)
{
	scope(fd) int source = open_source(load->source);
	struct atomic_file target;
	struct stat st;

	if (source < 0 || fstat(source, &st))
		return ctl_fail("%s: %s", load->source, strerror(source < 0 ? -source : errno));
	if (S_ISDIR(st.st_mode))
		return ctl_fail("%s: %s", load->source, strerror(EISDIR));
	scope(fd) int open_file = open_name(load->target);

	if (open_file != -ENOENT)
		return load_open(load, source, &st, open_file);
	const int error =
		atomic_file_begin(&target, load->target, S_ISREG(st.st_mode) ? st.st_mode : 0666);

	if (error)
		return ctl_fail("%s: %s", load->target, strerror(-error));
	const enum ctl_exit status = fill(load, source, &st, &target);

	atomic_file_end(&target);
	return status;
}

/* To the name of its source in @directory. */
static enum ctl_exit load_into(struct load *load, const char *directory)
{
	const char *slash = strrchr(load->source, '/');
	scope(free) char *path = NULL;

	if (!strcmp(load->source, "-"))
		return ctl_fail("%s is a directory; name a file in it for stdin", directory);
	if (asprintf(&path, "%s/%s", directory, slash ? slash + 1 : load->source) < 0)
		return ctl_fail("out of memory");
	load->target = path;
	return run(load);
}

/* All that can be. Returns the status of the last one that could not be. */
static enum ctl_exit load_all(struct load *load, char *sources[], int count, const char *target)
{
	enum ctl_exit status = CTL_DONE;
	struct stat st;
	int i;
	const bool is_directory = !stat(target, &st) && S_ISDIR(st.st_mode);

	if (count > 1 && !is_directory)
		return ctl_fail("%s is not a directory, for %d files", target, count);
	load->target = target;
	for (i = 0; i < count && !progress_was_interrupted(); i++) {
		load->source = sources[i];
		const enum ctl_exit one = is_directory ? load_into(load, target) : run(load);

		status = one ? one : status;
	}
	return i < count ? CTL_FAILED : status;
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
	int letter;

	while ((letter = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (letter == 'p')
			load.progress = true;
		else if (letter != 'c')
			return CTL_USAGE;
		else if (checksum_parse(optarg, &load.checksum))
			return refuse("a checksum is sha256: and 64 hexadecimal digits");
	}
	const int count = argc - optind - 1;

	if (count < 1)
		return refuse("load needs SRC and FILE");
	if (count > 1 && load.checksum.wanted)
		return refuse("a checksum is for one file");
	progress_begin();
	const enum ctl_exit status = load_all(&load, argv + optind, count, argv[argc - 1]);

	progress_end(status == CTL_DONE);
	return status;
}
