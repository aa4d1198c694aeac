// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/tree.h"

#include "tree/node.h"
#include "util/compat.h"
#include "util/explain.h"
#include "util/private_tmpfs.h"
#include "util/scope.h"
#include "util/thread.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/quota.h>
#include <sys/stat.h>

#define LARGE_PAGE (2 << 20)

struct cloning {
	int mount; /* attached nowhere */
	int clone; /* its read-only clone; -1: none */
};

/*
 * Before 6.15 open_tree(2) clones only attached mounts. So the mount is attached in a
 * mount namespace of this thread, which ends with it, at a path that every system has.
 */
static void *clone_read_only(void *context)
{
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	struct cloning *cloning = context;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    move_mount(cloning->mount, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH))
		return NULL;
	scope(fd) int clone = open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (clone >= 0 && !mount_setattr(clone, "", AT_EMPTY_PATH, &read_only, sizeof(read_only)))
		cloning->clone = openat(clone, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return NULL;
}

/* The limit of owners is root's, too, at first. 0 or -errno. */
static int exempt_root(int mount)
{
	const struct dqblk none = {.dqb_valid = QIF_BLIMITS};

	return syscall(SYS_quotactl_fd, mount, QCMD(Q_SETQUOTA, USRQUOTA), 0, &none) ? -errno : 0;
}

/* Returns the root directory on a read-only clone of @mount, or -1. */
static int open_read_only(int mount)
{
	struct cloning cloning = {.mount = mount, .clone = -1};
	pthread_t thread;

	if (!thread_start(&thread, clone_read_only, &cloning))
		pthread_join(thread, NULL);
	return cloning.clone;
}

/* Returns the mount as private_tmpfs() does. */
static int mount_tmpfs(const struct tree_options *options, char why[static 256])
{
	char mode[16], uid[16], gid[16];

	snprintf(mode, sizeof(mode), "%o", options->mode);
	snprintf(uid, sizeof(uid), "%u", options->uid);
	snprintf(gid, sizeof(gid), "%u", options->gid);
	const struct tmpfs_option settings[] = {
		{.key = "size", .value = options->size},
		{.key = "nr_inodes", .value = options->nr_inodes},
		private_tmpfs_huge(options->huge),
		{.key = "mode", .value = mode},
		{.key = "uid", .value = uid},
		{.key = "gid", .value = gid},
		/* Inode numbers serve as node ids, so they must not wrap. */
		{.key = "inode64", .flag = true, .optional = true},
		/* The kernel keeps account, also of what is written past this process. */
		{.key = "usrquota", .flag = options->uid_size},
		{.key = "usrquota_block_hardlimit", .value = options->uid_size},
		{},
	};
	const int mount = private_tmpfs(settings, options->atime, why);

	if (mount < 0 && options->uid_size && strstr(why, "usrquota"))
		return explain(why, -EINVAL,
			       "uid_size= needs quotas of tmpfs, which this kernel does not have "
			       "(Linux 6.6 with CONFIG_TMPFS_QUOTA)");
	return mount;
}

static int open_tmpfs(struct tree *tree, const struct tree_options *options, char why[static 256])
{
	scope(fd) int mount = mount_tmpfs(options, why);

	if (mount < 0)
		return mount;
	/* An O_PATH fd is not enough for open_by_handle_at(2). */
	tree->mount = private_tmpfs_root(mount);
	if (tree->mount < 0)
		return explain(why, tree->mount, "cannot open a private tmpfs: %s",
			       strerror(-tree->mount));
	tree->read_only = open_read_only(mount);
	const int error = options->uid_size ? exempt_root(tree->mount) : 0;

	if (error)
		explain(why, error, "uid_size= cannot be lifted for root: %s", strerror(-error));
	return error;
}

/* The file got a huge page if one byte allocates as much as a whole one. */
static bool takes_large_page(int file)
{
	char *map = mmap(NULL, LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	struct stat st = {0};

	if (map == MAP_FAILED)
		return false;
	madvise(map, LARGE_PAGE, MADV_HUGEPAGE);
	*map = 1;
	fstat(file, &st);
	munmap(map, LARGE_PAGE);
	return st.st_blocks >= LARGE_PAGE / 512;
}

static int nameless_file(struct tree *tree)
{
	return openat(tree->mount, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0);
}

bool tree_has_large_pages(struct tree *tree)
{
	scope(fd) int file = nameless_file(tree);

	return file >= 0 && !ftruncate(file, LARGE_PAGE) && takes_large_page(file);
}

/* A copy of no bytes passes the same checks as any other. */
bool tree_takes_copies(struct tree *tree)
{
	scope(fd) int file = nameless_file(tree);
	scope(fd) int other = open("/sys/kernel/uevent_seqnum", O_RDONLY | O_CLOEXEC);

	return file >= 0 && other >= 0 && !copy_file_range(other, NULL, file, NULL, 0, 0);
}

int tree_init(struct tree *tree, const struct tree_options *options, char why[static 256])
{
	*tree = (struct tree){
		.node_type = options->node_type,
		.records = options->records,
		.pins_limit = options->pins,
	};
	int error = open_tmpfs(tree, options, why);

	if (error)
		return error;
	pthread_mutex_init(&tree->lock, NULL);
	dir_cache_init(&tree->dirs);
	error = node_add_root(tree);
	if (error) {
		explain(why, error, "cannot use the private tmpfs: %s", strerror(-error));
		tree_finish(tree);
	}
	return error;
}

struct tree_handover tree_hand_over(const struct tree *tree)
{
	return (struct tree_handover){tree->mount, tree->read_only, tree->handles};
}

int tree_take_over(struct tree *tree, const struct tree_options *options,
		   const struct tree_handover *handover)
{
	*tree = (struct tree){
		.mount = handover->mount,
		.read_only = handover->read_only,
		.handles = handover->handles,
		.node_type = options->node_type,
		.records = options->records,
		.pins_limit = options->pins,
	};
	pthread_mutex_init(&tree->lock, NULL);
	dir_cache_init(&tree->dirs);
	return node_restore_root(tree);
}

void tree_finish(struct tree *tree)
{
	node_destroy_all(tree);
	dir_cache_finish(&tree->dirs);
	pthread_mutex_destroy(&tree->lock);
	close_fd(tree->read_only);
	close_fd(tree->mount);
}
