// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The start-up ladder: options, heap, tree, mount, background. All that can
 * fail does so while mount(8) still waits for the exit status.
 */
#include "fs/file.h"
#include "fs/session.h"
#include "fs/source.h"
#include "options.h"
#include "util/log.h"
#include "util/number.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

/* As mount(8) has them. */
enum exit_status { EXIT_MOUNTED = 0, EXIT_USAGE = 1, EXIT_SYSTEM = 2, EXIT_MOUNT = 32 };

static enum exit_status fail(enum exit_status status, const char *why)
{
	if (*why)
		log_error("%s", why);
	return status;
}

/* Heaps whose buffers cost an fd each serve as many as the limit allows. */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static struct tree_options tree_options(const struct options *options)
{
	return (struct tree_options){
		.size = options->size,
		.nr_inodes = options->nr_inodes,
		.huge = options->huge,
		.mode = options->mode_bits,
		.uid = options->uid_number,
		.gid = options->gid_number,
		.atime = options->noatime       ? MOUNT_ATTR_NOATIME
			 : options->strictatime ? MOUNT_ATTR_STRICTATIME
						: MOUNT_ATTR_RELATIME,
	};
}

static struct session_options session_options(const struct options *options)
{
	const char *source = options->source ?: "dmaheapfs";

	return (struct session_options){
		.mountpoint = options->mountpoint,
		.fsname = options->fsname ?: source,
		.mount_flags = options->mount_flags,
		.allow_other = options->allow_other ||
			       (geteuid() == 0 && !options->no_allow_other),
		.debug = options->debug,
	};
}

static void announce(const struct heap *heap)
{
	if (*heap->choice)
		log_info("heap=%s (%s); dma-buf: %s", heap->name, heap->choice, heap->dmabuf);
	if (heap->ops->memory != HEAP_TREE_FILE)
		log_info("every buffer costs an open file: there can be %" PRIu64
			 "; a higher limit of open files (ulimit -Hn) allows more",
			 fs_most_buffers());
}

static enum exit_status mount_and_serve(const struct options *options, struct fs *fs)
{
	const struct session_options wanted = session_options(options);
	struct fuse_session *session;
	char why[256];

	if (session_mount(&session, fs, &wanted, why))
		return fail(EXIT_MOUNT, why);
	announce(fs->heap);
	int error = session_serve(session, fs, options->foreground);

	session_finish(session, fs);
	return error ? fail(EXIT_SYSTEM, strerror(-error)) : EXIT_MOUNTED;
}

/* Before anything is mounted: what is mounted later does not show in it. */
static int open_view(const struct options *options, struct view **view, char why[static 256])
{
	const struct view_options wanted = {
		.directory = options->view,
		.mountpoint = options->mountpoint,
		.allow_fuse = options->view_fuse,
	};

	return options->view ? view_create(view, &wanted, why) : 0;
}

static enum exit_status run_with_heap(const struct options *options, struct heap *heap)
{
	const struct tree_options wanted = tree_options(options);
	struct fs fs = {
		.heap = heap,
		.budget = {.limit = options->size_bytes},
		.kernel = {.fail_busy = options->copy_busy == COPY_BUSY_FAIL},
		.direct = options->copy_direct,
		.busy = options->copy_busy,
		.copy_threads = options->copy_threads,
	};
	char why[256];

	if (open_view(options, &fs.view, why))
		return fail(EXIT_MOUNT, why);
	if (tree_init(&fs.tree, &wanted, why)) {
		view_destroy(fs.view, NULL);
		return fail(EXIT_MOUNT, why);
	}
	if (heap->ops->memory == HEAP_TREE_FILE)
		heap->large_pages = tree_has_large_pages(&fs.tree);
	clock_gettime(CLOCK_MONOTONIC, &fs.since);
	enum exit_status status = mount_and_serve(options, &fs);

	node_destroy_all(&fs.tree, file_end);
	budget_finish(&fs.budget);
	tree_finish(&fs.tree);
	view_destroy(fs.view, source_end);
	free(fs.mountpoint);
	return status;
}

/* SOURCE names the heap where there is one of that name, else it is a label. */
static const char *heap_name(const struct options *options)
{
	if (options->heap)
		return options->heap;
	return options->source && heap_exists(options->source, "/dev") ? options->source : "auto";
}

static enum exit_status run(const struct options *options)
{
	struct heap *heap;
	char why[256];

	raise_fd_limit();
	if (heap_open(&heap, heap_name(options), "/dev", why))
		return fail(EXIT_MOUNT, why);
	enum exit_status status = run_with_heap(options, heap);

	heap_destroy(heap);
	return status;
}

int main(int argc, char *argv[])
{
	struct options options;
	char why[256];
	enum exit_status status = EXIT_MOUNTED;

	if (options_parse(&options, argc, argv, why))
		status = fail(EXIT_USAGE, why);
	else if (options.help)
		options_help(stdout);
	else if (options.version)
		printf("dmaheapfs %s, libfuse %s\n", DMAHEAPFS_VERSION, fuse_pkgversion());
	else
		status = run(&options);
	options_finish(&options);
	return status;
}
