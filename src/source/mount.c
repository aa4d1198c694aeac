// SPDX-License-Identifier: GPL-2.0-or-later
/* The private mount of the source directory, and walks below it. */
#include "source/internal.h"
#include "util/compat.h"
#include "util/explain.h"
#include "util/scope.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/vfs.h>

/* --- checks ----------------------------------------------------------------------- */

/*
 * On these filesystems the kernel generates a file's content for the reading process
 * and checks its rights. The daemon has more rights than its callers.
 */
static const struct {
	unsigned long magic;
	const char *name;
} generated[] = {
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

static int check_filesystem(const struct source *source, const struct source_options *options,
			    char why[static 256])
{
	const char *directory = options->directory;
	struct statfs st;

	if (fstatfs(source->origin, &st))
		return explain(why, -errno, "cannot look at source=%s: %s", directory,
			       strerror(errno));
	if (st.f_type == FUSE_SUPER_MAGIC && !options->allow_fuse)
		return explain(
			why, -EINVAL,
			"source=%s is on a FUSE filesystem, whose daemon could hang this one; "
			"source_fuse allows that",
			directory);
	for (size_t i = 0; i < sizeof(generated) / sizeof(generated[0]); i++)
		if ((unsigned long)st.f_type == generated[i].magic)
			return explain(why, -EINVAL,
				       "source=%s is on %s, whose files are not plain data",
				       directory, generated[i].name);
	return 0;
}

static bool is_at_or_below(const char *path, const char *directory)
{
	const size_t length = strlen(directory);

	return !strncmp(path, directory, length) && (!path[length] || path[length] == '/');
}

static int check_place(const struct source_options *options, char why[static 256])
{
	scope(free) char *directory = realpath(options->directory, NULL);
	scope(free) char *mountpoint = realpath(options->mountpoint, NULL);

	if (!directory)
		return explain(why, -errno, "cannot look at source=%s: %s", options->directory,
			       strerror(errno));
	/* A missing mountpoint is reported later. */
	if (mountpoint && is_at_or_below(directory, mountpoint))
		return explain(why, -EINVAL, "source=%s is on the mountpoint %s itself",
			       options->directory, mountpoint);
	return 0;
}

/* --- the mount -------------------------------------------------------------------- */

/*
 * Clones the one mount, without those below it. Only this process can reach the clone,
 * and later mounts do not show in it.
 */
static int clone_privately(int origin)
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

int source_mount(struct source *source, const struct source_options *options, char why[static 256])
{
	const char *directory = options->directory;

	source->origin = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (source->origin < 0)
		return explain(why, -errno, "cannot look at source=%s: %s", directory,
			       strerror(errno));
	int error = check_place(options, why) ?: check_filesystem(source, options, why);

	if (error)
		return error;
	source->root = clone_privately(source->origin);
	if (source->root == -ENOSYS)
		return explain(why, source->root, "source= needs Linux 5.12 or newer");
	if (source->root < 0)
		return explain(why, source->root, "cannot make a private view of source=%s: %s",
			       directory, strerror(-source->root));
	return 0;
}

/* --- walks ------------------------------------------------------------------------ */

static int open_below(int dirfd, const char *path, uint64_t flags)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC | flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	const int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* The last slash within PATH_MAX, the most that the kernel takes at once; 0: none. */
static size_t first_stretch(const char *path)
{
	size_t length = PATH_MAX - 1;

	while (length && path[length] != '/')
		length--;
	return length;
}

int source_walk(int dirfd, const char *path)
{
	scope(fd) int at = -1;

	while (strlen(path) >= PATH_MAX) {
		const size_t length = first_stretch(path);
		scope(free) char *stretch = length ? strndup(path, length) : NULL;

		if (!stretch)
			return length ? -ENOMEM : -ENAMETOOLONG;
		const int next = open_below(at < 0 ? dirfd : at, stretch, O_DIRECTORY);

		if (next < 0)
			return next;
		close_fd(at);
		at = next;
		path += length + 1;
	}
	return open_below(at < 0 ? dirfd : at, path, 0);
}
