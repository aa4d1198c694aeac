// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Start-up: options, heap, source, tree, mount, background. Everything that can fail does so
 * while mount(8) still waits for the exit status.
 */
#include "fs/inode.h"
#include "fs/restore.h"
#include "fs/saved.h"
#include "fs/session.h"
#include "options.h"
#include "remount.h"
#include "upgrade.h"
#include "util/compat.h"
#include "util/explain.h"
#include "util/format_size.h"
#include "util/log.h"
#include "util/math.h"
#include "util/process.h"
#include "util/scope.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAP_NAMES 200

/* As in mount(8). */
enum exit_status { EXIT_MOUNTED = 0, EXIT_USAGE = 1, EXIT_SYSTEM = 2, EXIT_MOUNT = 32 };

static enum exit_status fail(enum exit_status status, const char *why)
{
	if (*why)
		log_error("%s", why);
	return status;
}

/* Whatever the starter left behind: the mount outlives it. An earlier version leaves fds. */
static int reset_process(bool takes_over)
{
	const int error = process_open_std_fds();

	if (error)
		return error;
	if (!takes_over)
		process_close_fds();
	process_reset_signals();
	process_reset_limits();
	return 0;
}

/* As tmpfs reads them. */
struct numbers {
	char size[24], inodes[24], uid_size[24];
};

static struct tree_options tree_options(const struct options *options, struct saved *saved,
					struct numbers *numbers)
{
	snprintf(numbers->size, sizeof(numbers->size), "%" PRIu64, options->size_bytes);
	snprintf(numbers->inodes, sizeof(numbers->inodes), "%" PRIu64, options->inodes_limit);
	snprintf(numbers->uid_size, sizeof(numbers->uid_size), "%" PRIu64, options->uid_size_bytes);
	return (struct tree_options){
		.size = numbers->size,
		.nr_inodes = numbers->inodes,
		.uid_size = options->uid_size ? numbers->uid_size : NULL,
		.pins = fs_most_buffers() / 4,
		.huge = options->huge,
		.mode = options->mode_bits,
		.uid = options->uid_number,
		.gid = options->gid_number,
		.atime = options->noatime	? MOUNT_ATTR_NOATIME
			 : options->strictatime ? MOUNT_ATTR_STRICTATIME
						: MOUNT_ATTR_RELATIME,
		.node_type = inode_tree_type,
		.records = &saved->inodes,
	};
}

/* The source that df and findmnt show: not the name of a heap that is not there. */
static const char *shown_source(const struct options *options, const struct heap *heap)
{
	if (options->fsname)
		return options->fsname;
	return heap->replaces_source ? heap->name : options->device ?: "dmaheapfs";
}

static struct session_options session_options(const struct options *options,
					      const struct heap *heap)
{
	return (struct session_options){
		.mountpoint = options->mountpoint,
		.fsname = shown_source(options, heap),
		.mount_flags = options->mount_flags,
		.nosymfollow = options->nosymfollow,
		.allow_other = options->allow_other || (geteuid() == 0 && !options->no_allow_other),
		.debug = options->debug,
	};
}

static void add_name(void *context, const char *name, bool usable, const char *text)
{
	char *names = context;
	const size_t used = strlen(names);

	(void)text;
	if (usable)
		snprintf(names + used, HEAP_NAMES - used, "%s%s", used ? ", " : "", name);
}

/* The mount's user may not read what mount(8) says at boot. */
static void warn_of_replacement(const struct options *options, const struct heap *heap)
{
	char names[HEAP_NAMES] = "";

	heap_list("/dev", add_name, names);
	log_for_record("there is no heap %s here (there are: %s); took %s; heap=NAME takes that "
		       "heap or fails",
		       options->device, names, heap->name);
}

static void announce(const struct options *options, const struct heap *heap)
{
	if (heap->replaces_source)
		warn_of_replacement(options, heap);
	if (!fs_most_buffers())
		log_warning("the limit of open files is too low for many users; raise the hard "
			    "limit (ulimit -Hn, LimitNOFILE=)");
	if (*heap->choice)
		log_info("heap=%s (%s); dma-buf: %s", heap->name, heap->choice, heap->dmabuf);
	if (!heap->ops->in_tmpfs)
		log_info("at most %" PRIu64
			 " buffers (an open file each, two for some dma-bufs); raise "
			 "the hard limit of open files (ulimit -Hn, LimitNOFILE=) for more",
			 fs_most_buffers());
}

/* What the worker does. */
static int serve(void *context, const struct fd_list *own)
{
	struct fs *fs = context;
	const int error = session_serve(fs, own);

	/* The supervisor unmounts, unless it was killed. */
	if ((uint32_t)getppid() != fs->saved->head->supervised.supervisor)
		session_finish(fs);
	return error ? fail(EXIT_SYSTEM, strerror(-error)) : EXIT_MOUNTED;
}

static bool may_hand_over(void *context)
{
	const struct fs *fs = context;
	const bool is_possible = upgrade_is_possible(fs);

	fs->saved->head->upgrades_refused += !is_possible;
	return is_possible;
}

/* Returns the result of the last worker, or -errno. */
static int serve_and_upgrade(struct fs *fs, char *argv[])
{
	const struct supervised_calls calls = {serve, may_hand_over, fs};
	int result;

	do {
		scope(fd_list) struct fd_list recorded = {};

		if (restore_list_fds(fs->saved, &recorded))
			return -ENOMEM;
		result = supervise(&fs->saved->head->supervised, &calls, &recorded);
		if (result == SUPERVISE_HAND_OVER)
			log_error("the new version does not start: %s",
				  strerror(-upgrade_run(fs, argv)));
	} while (result == SUPERVISE_HAND_OVER);
	return result;
}

/* The mount has ended against the will of its users. They can save what it had. */
static void hold_files(struct fs *fs)
{
	if (fs->saved->file < 0 || tree_is_empty(&fs->tree))
		return;
	log_error("the files of %s are kept in process %d; save them: dmaheapctl salvage %d DIR; "
		  "then end it: kill %d",
		  fs->mountpoint, (int)getpid(), (int)getpid(), (int)getpid());
	supervise_hold(&fs->saved->head->supervised);
}

static enum exit_status serve_supervised(struct fs *fs, char *argv[])
{
	const int result = serve_and_upgrade(fs, argv);

	session_finish(fs);
	supervise_finish();
	if (result)
		hold_files(fs);
	return result < 0 ? EXIT_SYSTEM : (enum exit_status)result;
}

static int mount_new(const struct options *options, struct fs *fs, char why[static 256])
{
	const struct session_options wanted = session_options(options, fs->heap);
	const int error = session_mount(fs, &wanted, why);

	if (error)
		return error;
	announce(options, fs->heap);
	if (options->foreground)
		log_info("mounted on %s; Ctrl-C unmounts", fs->mountpoint);
	upgrade_note(fs);
	return 0;
}

static int take_mount(const struct options *options, struct fs *fs, char why[static 256])
{
	const struct saved_handover *handover = &fs->saved->head->handover;
	struct session_options wanted = session_options(options, fs->heap);

	wanted.mountpoint = handover->mountpoint;
	fs->since = handover->since;
	fs->saved->head->upgrades++;
	upgrade_close_on_exec(fs);
	return session_take_over(fs, &wanted, handover->device, why);
}

static enum exit_status mount_and_serve(const struct options *options, struct fs *fs, char *argv[])
{
	char why[256];
	int error = fs->was_taken_over ? take_mount(options, fs, why) : mount_new(options, fs, why);

	if (error)
		return fail(EXIT_MOUNT, why);
	error = session_detach(options->foreground, fs->was_taken_over);
	return error ? fail(EXIT_SYSTEM, strerror(-error)) : serve_supervised(fs, argv);
}

/* Before the mount, so that it does not show in itself. */
static int open_source(const struct options *options, struct saved *saved, bool takes_over,
		       struct source **source, char why[static 256])
{
	const struct source_options wanted = {
		.directory = options->source,
		.mountpoint = options->mountpoint,
		.allow_fuse = options->source_fuse,
		.node_type = inode_source_type,
		.records = &saved->source,
	};

	if (!options->source)
		return 0;
	return takes_over ? source_take_over(source, &wanted, &saved->head->handover.source)
			  : source_create(source, &wanted, why);
}

static int open_parts(const struct options *options, struct fs *fs, char why[static 256])
{
	struct numbers numbers;
	const struct tree_options wanted = tree_options(options, fs->saved, &numbers);

	if (options->uid_size && !fs->heap->ops->in_tmpfs)
		return explain(why, -EINVAL,
			       "uid_size= needs heap=shmem, whose memory the kernel "
			       "counts for each user");
	int error = open_source(options, fs->saved, fs->was_taken_over, &fs->source, why);

	if (error)
		return error;
	error = fs->was_taken_over
			? tree_take_over(&fs->tree, &wanted, &fs->saved->head->handover.tree)
			: tree_init(&fs->tree, &wanted, why);
	if (error)
		source_destroy(fs->source);
	return error;
}

/* Root, and other users, can go on if one user has as much as possible. */
static void limit_users(const struct options *options, struct fs *fs)
{
	uint64_t names = options->names_limit;

	/* Each buffer needs an open file. */
	if (!options->uid_files && !fs->heap->ops->in_tmpfs)
		names = min_u64(names, fs_most_buffers() / 4 * 3);
	users_init(&fs->users, &fs->saved->users, options->opens_limit ?: fs_opens_per_user(),
		   names);
}

static void watch_cgroup(struct quota *quota)
{
	char limit[32], size[32];

	cgroup_init(&quota->cgroup);
	if (quota->cgroup.limit >= quota->limit)
		return;
	log_warning("this process's control group may use %s, less than size=%s: a caller for "
		    "whom the daemon cannot allocate gets ENOSPC; raise the group's limit "
		    "(MemoryMax=), or lower size=",
		    format_size((double)quota->cgroup.limit, limit),
		    format_size((double)quota->limit, size));
}

static int open_state(struct fs *fs)
{
	fs->counters = &fs->saved->head->counters;
	return handles_init(&fs->handles, &fs->users, &fs->saved->handles,
			    &fs->saved->head->last_handle);
}

static enum exit_status run_with_heap(const struct options *options, struct heap *heap,
				      struct saved *saved, bool takes_over, char *argv[])
{
	struct fs fs = {
		.heap = heap,
		.quota = {.limit = options->size_bytes,
			  .buffers = &saved->buffers,
			  .orphans = &saved->orphans},
		.saved = saved,
		.was_taken_over = takes_over,
		.direct = options->copy_direct,
		.copy_threads = options->copy_threads,
	};
	char why[256] = "the state of the mount makes no sense";

	if (open_state(&fs))
		return fail(EXIT_SYSTEM, "out of memory");
	if (open_parts(options, &fs, why))
		return fail(EXIT_MOUNT, why);
	limit_users(options, &fs);
	/* The memory of the other heaps is not charged to this process. */
	if (!heap->ops->fixed_size)
		watch_cgroup(&fs.quota);
	if (heap->ops->in_tmpfs)
		heap->large_pages = tree_has_large_pages(&fs.tree);
	heap->noatime = options->noatime;
	heap->kernel_copies = tree_takes_copies(&fs.tree);
	if (takes_over)
		heap_use_files(heap, saved->head->handover.files);
	else if (heap->ops->limit)
		heap->ops->limit(heap, options->size_bytes, options->huge);
	clock_gettime(CLOCK_MONOTONIC, &fs.since);
	const enum exit_status status = mount_and_serve(options, &fs, argv);

	tree_empty(&fs.tree);
	tree_finish(&fs.tree);
	handles_finish(&fs.handles);
	users_finish(&fs.users);
	quota_finish(&fs.quota);
	source_destroy(fs.source);
	free(fs.mountpoint);
	return status;
}

static int open_heap(const struct options *options, const char *taken, struct heap **heap,
		     char why[static 256])
{
	if (taken || options->heap)
		return heap_open(heap, taken ?: options->heap, "/dev", why);
	return heap_open_source(heap, options->device ?: "auto", "/dev", why);
}

/* @taken is the shared memory of an earlier version, whose mount this is; -1: a new mount. */
static enum exit_status run(const struct options *options, int taken, char *argv[])
{
	const bool takes_over = taken >= 0;
	struct saved saved = {.file = -1};
	struct heap *heap;
	char why[256];

	if (takes_over ? saved_open(&saved, taken) : saved_create(&saved))
		return fail(EXIT_SYSTEM,
			    takes_over ? "the state has another layout" : "out of memory");
	if (open_heap(options, takes_over ? saved.head->handover.heap : NULL, &heap, why))
		return fail(EXIT_MOUNT, why);
	const enum exit_status status = run_with_heap(options, heap, &saved, takes_over, argv);

	heap_destroy(heap);
	saved_finish(&saved);
	return status;
}

/* The state is what an upgrade compares. */
static void show_version(void)
{
	printf("dmaheapfs %s, libfuse %s\nstate %016" PRIx64 "\n", DMAHEAPFS_VERSION,
	       fuse_pkgversion(), saved_layout());
}

int main(int argc, char *argv[])
{
	struct options options;
	char why[256];
	enum exit_status status = EXIT_MOUNTED;

	const int taken = upgrade_taken_fd();

	upgrade_remember_program();
	if (reset_process(taken >= 0))
		return EXIT_SYSTEM;
	if (options_parse(&options, argc, argv, why))
		status = fail(EXIT_USAGE, why);
	else if (options.help)
		options_help(stdout);
	else if (options.version)
		show_version();
	else if (options.remount && !options.fake)
		status = remount(&options, why) ? fail(EXIT_MOUNT, why) : EXIT_MOUNTED;
	else if (!options.fake)
		status = run(&options, taken, argv);
	options_finish(&options);
	return status;
}
