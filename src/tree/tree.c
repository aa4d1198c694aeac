// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/tree.h"

#include "tree/node.h"
#include "util/explain.h"
#include "util/scope.h"
#include "util/thread.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443 /* since Linux 5.14, on all architectures */
#endif

#define LARGE_PAGE (2 << 20)

/* The kernel's reason for a refused option is in the context's log, one line each. */
static void explain_refusal(char why[static 256], int context, const char *what, int error)
{
	char text[200];
	ssize_t length = read(context, text, sizeof(text) - 1);

	if (length > 2) {
		text[strcspn(text, "\n")] = '\0';
		text[length] = '\0';
		snprintf(why, 256, "%s (the kernel says: %s)", what, text + 2);
	} else {
		snprintf(why, 256, "%s: %s", what, strerror(error));
	}
}

static int set(int context, const char *key, const char *value, char why[static 256])
{
	char what[128];

	if (!value || !fsconfig(context, FSCONFIG_SET_STRING, key, value, 0))
		return 0;
	int error = errno;

	snprintf(what, sizeof(what), "the option %s=%s is not possible here", key, value);
	explain_refusal(why, context, what, error);
	return -error;
}

/* The kernel keeps account, also of what is written past this process. */
static int limit_owners(int context, const char *size, char why[static 256])
{
	if (!fsconfig(context, FSCONFIG_SET_FLAG, "usrquota", NULL, 0) &&
	    !fsconfig(context, FSCONFIG_SET_STRING, "usrquota_block_hardlimit", size, 0))
		return 0;
	return explain(why, -EINVAL,
		       "uid_size= needs quotas of tmpfs, which this kernel does not have "
		       "(Linux 6.6 with CONFIG_TMPFS_QUOTA)");
}

static int configure(int context, const struct tree_options *options, char why[static 256])
{
	char mode[16], uid[16], gid[16];

	snprintf(mode, sizeof(mode), "%o", options->mode);
	snprintf(uid, sizeof(uid), "%u", options->uid);
	snprintf(gid, sizeof(gid), "%u", options->gid);
	const struct {
		const char *key, *value;
	} settings[] = {
		{"size", options->size},
		{"nr_inodes", options->nr_inodes},
		{"huge", options->huge},
		{"mode", mode},
		{"uid", uid},
		{"gid", gid},
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		int error = set(context, settings[i].key, settings[i].value, why);

		if (error)
			return error;
	}
	if (options->uid_size && limit_owners(context, options->uid_size, why))
		return -EINVAL;
	/* Huge pages for maps that ask for them. A kernel without them refuses the option. */
	if (!options->huge)
		fsconfig(context, FSCONFIG_SET_STRING, "huge", "advise", 0);
	/* Inode numbers serve as node ids, so they must not wrap. */
	fsconfig(context, FSCONFIG_SET_FLAG, "inode64", NULL, 0);
	return 0;
}

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

static int mount_tmpfs(struct tree *tree, const struct tree_options *options, char why[static 256])
{
	scope(fd) int context = fsopen("tmpfs", FSOPEN_CLOEXEC);

	if (context < 0)
		return explain(why, -errno, "cannot make a private tmpfs: %s%s", strerror(errno),
			       errno == EPERM ? "; run as root" : "");
	int error = configure(context, options, why);

	if (error)
		return error;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0)) {
		error = errno;
		explain_refusal(why, context, "cannot make a private tmpfs", error);
		return -error;
	}
	scope(fd) int mount =
		fsmount(context, FSMOUNT_CLOEXEC,
			MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | options->atime);
	/* fsmount(2) returns an O_PATH fd, which open_by_handle_at(2) does not take. */
	tree->mount = mount < 0 ? -1 : openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree->mount < 0)
		return explain(why, -errno, "cannot mount a private tmpfs: %s", strerror(errno));
	tree->read_only = open_read_only(mount);
	error = options->uid_size ? exempt_root(tree->mount) : 0;
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
	*tree = (struct tree){.node_type = options->node_type, .pins_limit = options->pins};
	int error = mount_tmpfs(tree, options, why);

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

void tree_finish(struct tree *tree)
{
	node_destroy_all(tree);
	dir_cache_finish(&tree->dirs);
	pthread_mutex_destroy(&tree->lock);
	close_fd(tree->read_only);
	close_fd(tree->mount);
}
