// SPDX-License-Identifier: GPL-2.0-or-later
/* The directory that is shown: whether it may be, and the private mount of it. */
#include "util/scope.h"
#include "view/inside.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

__attribute__((format(printf, 3, 4))) static int refuse(int error, char why[static 256],
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, 256, format, args);
	va_end(args);
	return error;
}

/*
 * Where the kernel makes up what a file contains, it does so for the process
 * that reads, and asks for its rights: ours are more than the caller's.
 */
static const struct {
	unsigned long magic;
	const char *name;
} made_up[] = {
	{PROC_SUPER_MAGIC, "proc"},
	{SYSFS_MAGIC, "sysfs"},
	{DEBUGFS_MAGIC, "debugfs"},
	{TRACEFS_MAGIC, "tracefs"},
	{SECURITYFS_MAGIC, "securityfs"},
	{SELINUX_MAGIC, "selinuxfs"},
	{CGROUP_SUPER_MAGIC, "cgroup"},
	{CGROUP2_SUPER_MAGIC, "cgroup2"},
	{BPF_FS_MAGIC, "bpf"},
	{PSTOREFS_MAGIC, "pstore"},
};

static int check_filesystem(const struct view *view, const struct view_options *options,
			    char why[static 256])
{
	const char *directory = options->directory;
	struct statfs st;

	if (fstatfs(view->origin, &st))
		return refuse(-errno, why, "cannot look at source=%s: %s", directory,
			      strerror(errno));
	if (st.f_type == FUSE_SUPER_MAGIC && !options->allow_fuse)
		return refuse(
			-EINVAL, why,
			"source=%s is on a FUSE filesystem, whose daemon could hang this one; "
			"source_fuse allows that",
			directory);
	for (size_t i = 0; i < sizeof(made_up) / sizeof(made_up[0]); i++)
		if ((unsigned long)st.f_type == made_up[i].magic)
			return refuse(-EINVAL, why,
				      "source=%s is on %s, whose files are not plain data",
				      directory, made_up[i].name);
	return 0;
}

static bool is_at_or_below(const char *path, const char *directory)
{
	const size_t length = strlen(directory);

	return !strncmp(path, directory, length) && (!path[length] || path[length] == '/');
}

static int check_place(const struct view_options *options, char why[static 256])
{
	scope(free) char *directory = realpath(options->directory, NULL);
	scope(free) char *mountpoint = realpath(options->mountpoint, NULL);

	if (!directory)
		return refuse(-errno, why, "cannot look at source=%s: %s", options->directory,
			      strerror(errno));
	/* Without a mountpoint nothing will be mounted. */
	if (mountpoint && is_at_or_below(directory, mountpoint))
		return refuse(-EINVAL, why, "source=%s is on the mountpoint %s itself",
			      options->directory, mountpoint);
	return 0;
}

/*
 * One mount and none of those below it, which nobody but us can reach: what is
 * mounted later, here or there, does not show in it.
 */
static int open_privately(int origin)
{
	struct mount_attr attributes = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    MOUNT_ATTR_NOATIME | MOUNT_ATTR_NOSYMFOLLOW,
		.attr_clr = MOUNT_ATTR__ATIME,
		.propagation = MS_PRIVATE,
	};
	scope(fd) int mount =
		open_tree(origin, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (mount < 0 || mount_setattr(mount, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)))
		return -errno;
	return steal_fd(&mount);
}

int origin_open(struct view *view, const struct view_options *options, char why[static 256])
{
	const char *directory = options->directory;

	view->origin = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (view->origin < 0)
		return refuse(-errno, why, "cannot look at source=%s: %s", directory,
			      strerror(errno));
	int error = check_place(options, why) ?: check_filesystem(view, options, why);

	if (error)
		return error;
	view->root = open_privately(view->origin);
	if (view->root == -ENOSYS)
		return refuse(view->root, why, "source= needs Linux 5.12 or newer");
	if (view->root < 0)
		return refuse(view->root, why, "cannot make a private view of source=%s: %s",
			      directory, strerror(-view->root));
	return 0;
}
