// SPDX-License-Identifier: GPL-2.0-or-later
/* save: a buffer becomes an ordinary file, all of it, on disk, or not at all. */
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

struct save {
	const char *source, *target;
	bool progress;
};

static int open_buffer(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fgetxattr(fd, "user.dmaheap.capacity", NULL, 0) > 0)
		return fd;
	close_fd(fd);
	return -ENOTTY;
}

static ssize_t copy_bytes(const struct save *save, int buffer, uint64_t size, int file, bool fresh)
{
	struct copy copy = {
		.direction = COPY_TO_FILE,
		.file = file,
		.memory = copy_memory_of_file(buffer),
		.length = COPY_TO_THE_END,
		.fresh = fresh,
	};
	const struct watch_options options = {.progress = save->progress, .total = size};
	struct copy_report report;
	ssize_t n = watch_copy(&copy, &options, &report);

	return n >= 0 && report.error ? report.error : n;
}

static enum ctl_exit fail_save(const struct save *save, ssize_t error)
{
	if (watch_was_interrupted())
		return CTL_FAILED;
	return ctl_fail("saving %s to %s: %s", save->source, save->target, strerror((int)-error));
}

/*
 * All the room at once: the disk is laid out better, blocks need not be found
 * while others are written, and no room is known at once. A buffer with holes
 * becomes a file with holes.
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

static ssize_t fill(const struct save *save, int buffer, const struct stat *st,
		    struct publish *publish)
{
	ssize_t n = reserve(buffer, publish->file, st->st_size);

	if (n)
		return n;
	n = copy_bytes(save, buffer, (uint64_t)st->st_size, publish->file, true);
	/* Somebody may have made the buffer smaller meanwhile. */
	if (n >= 0 && ftruncate(publish->file, n))
		n = -errno;
	return n < 0 ? n : publish_commit(publish, true, watch_was_interrupted);
}

static enum ctl_exit save_file(const struct save *save, int buffer, const struct stat *st)
{
	struct publish publish;
	ssize_t n = publish_begin(&publish, save->target, st->st_mode);

	if (n)
		return ctl_fail("%s: %s", save->target, strerror((int)-n));
	n = fill(save, buffer, st, &publish);
	publish_end(&publish);
	return n < 0 ? fail_save(save, n) : CTL_DONE;
}

/* Into what is there and no regular file: a pipe, a device. */
static enum ctl_exit save_stream(const struct save *save, int buffer, const struct stat *st,
				 int target)
{
	ssize_t n = target < 0 ? target
			       : copy_bytes(save, buffer, (uint64_t)st->st_size, target, false);

	return n < 0 ? fail_save(save, n) : CTL_DONE;
}

static bool is_stream(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static int open_stream(const char *path)
{
	int fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CLOEXEC)
				   : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static enum ctl_exit run(const struct save *save)
{
	scope(fd) int buffer = open_buffer(save->source), stream = -1;
	struct stat st;

	if (buffer == -ENOTTY)
		return ctl_fail("%s is not a file of a dmaheapfs mount", save->source);
	if (buffer < 0 || fstat(buffer, &st))
		return ctl_fail("%s: %s", save->source, strerror(buffer < 0 ? -buffer : errno));
	if (strcmp(save->target, "-") && !is_stream(save->target))
		return save_file(save, buffer, &st);
	stream = open_stream(save->target);
	return save_stream(save, buffer, &st, stream);
}

enum ctl_exit ctl_save(int argc, char *argv[])
{
	static const struct option words[] = {{"progress", no_argument, NULL, 'p'}, {}};
	struct save save = {0};
	enum ctl_exit status;
	int letter;

	while ((letter = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (letter != 'p')
			return CTL_USAGE;
		save.progress = true;
	}
	if (optind != argc - 2) {
		ctl_fail("save wants FILE and DST; see: dmaheapctl --help");
		return CTL_USAGE;
	}
	save.source = argv[optind];
	save.target = argv[optind + 1];
	watch_begin();
	status = run(&save);
	watch_end(status == CTL_DONE);
	return status;
}
