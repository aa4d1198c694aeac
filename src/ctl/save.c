// SPDX-License-Identifier: GPL-2.0-or-later
/* save: copies a buffer to an ordinary file on disk, completely or not at all. */
#include "ctl/atomic_file.h"
#include "ctl/ctl.h"
#include "ctl/open_name.h"
#include "ctl/progress.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

struct save {
	const char *source, *target;
	bool progress;
};

static int open_buffer(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fgetxattr(fd, "user.dmaheap.capacity", NULL, 0) > 0)
		return fd;
	close_fd(fd);
	return -ENOTTY;
}

/* A @fresh file is empty and ours. */
static int64_t copy_bytes(const struct save *save, int buffer, uint64_t size, int file,
			  off_t position, bool fresh)
{
	struct copy copy = {
		.direction = COPY_TO_FILE,
		.file = file,
		.file_offset = position,
		.length = COPY_TO_THE_END,
		.fresh = fresh,
	};
	const struct progress_options options = {.always = save->progress, .total = size};
	struct copy_report report;

	return progress_copy(&copy, buffer, &options, &report);
}

static enum ctl_exit fail_save(const struct save *save, int64_t error)
{
	if (progress_was_interrupted())
		return CTL_FAILED;
	return ctl_fail("saving %s to %s: %s", save->source, save->target, strerror((int)-error));
}

/*
 * Allocates all blocks at once: the disk is laid out better, and a lack of space is reported
 * at once. A buffer with holes becomes a file with holes.
 */
static int reserve(int buffer, int file, off_t size)
{
	if (ftruncate(file, size))
		return -errno;
	if (size == 0 || lseek(buffer, 0, SEEK_HOLE) < size)
		return 0;
	if (fallocate(file, 0, 0, size) && errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	return 0;
}

static int64_t fill(const struct save *save, int buffer, const struct stat *st,
		    struct atomic_file *target)
{
	int64_t n = reserve(buffer, target->file, st->st_size);

	if (n)
		return n;
	n = copy_bytes(save, buffer, (uint64_t)st->st_size, target->file, 0, true);
	/* The buffer may have been truncated meanwhile. */
	if (n >= 0 && ftruncate(target->file, n))
		n = -errno;
	return n < 0 ? n : atomic_file_commit(target, true);
}

static enum ctl_exit save_file(const struct save *save, int buffer, const struct stat *st)
{
	struct atomic_file target;
	const int error = atomic_file_begin(&target, save->target, st->st_mode);

	if (error)
		return ctl_fail("%s: %s", save->target, strerror(-error));
	const int64_t n = fill(save, buffer, st, &target);

	atomic_file_end(&target);
	return n < 0 ? fail_save(save, n) : CTL_DONE;
}

/* Into an open file, a pipe or a device. The next write there goes behind the copy. */
static enum ctl_exit save_open(const struct save *save, int buffer, const struct stat *st,
			       int target)
{
	const off_t position = target < 0 ? 0 : open_name_position(target);
	const int64_t n = target < 0 ? target
				     : copy_bytes(save, buffer, (uint64_t)st->st_size, target,
						  position, false);

	if (n < 0)
		return fail_save(save, n);
	lseek(target, position + n, SEEK_SET);
	return CTL_DONE;
}

static bool is_stream(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* Returns an fd of a target that is not to be replaced; -ENOENT: it is. */
static int open_target(const char *path)
{
	int fd = open_name(path);

	if (fd != -ENOENT || !is_stream(path))
		return fd;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static enum ctl_exit run(const struct save *save)
{
	scope(fd) int buffer = open_buffer(save->source);
	struct stat st;

	if (buffer == -ENOTTY)
		return ctl_fail("%s is not a file of a dmaheapfs mount", save->source);
	if (buffer < 0 || fstat(buffer, &st))
		return ctl_fail("%s: %s", save->source, strerror(buffer < 0 ? -buffer : errno));
	scope(fd) int target = open_target(save->target);

	return target == -ENOENT ? save_file(save, buffer, &st)
				 : save_open(save, buffer, &st, target);
}

enum ctl_exit ctl_save(int argc, char *argv[])
{
	static const struct option words[] = {{"progress", no_argument, NULL, 'p'}, {}};
	struct save save = {0};
	int letter;

	while ((letter = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (letter != 'p')
			return CTL_USAGE;
		save.progress = true;
	}
	if (optind != argc - 2) {
		ctl_fail("save needs FILE and DST; see: dmaheapctl --help");
		return CTL_USAGE;
	}
	save.source = argv[optind];
	save.target = argv[optind + 1];
	progress_begin();
	const enum ctl_exit status = run(&save);

	progress_end(status == CTL_DONE);
	return status;
}
