// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/caller.h"

#include "util/scope.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

/* Capabilities belong to a thread; the header's sets are 32 bits each. */
static void set_fsetid(bool on)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return;
	if (on)
		data[0].effective |= data[0].permitted & (1U << CAP_FSETID);
	else
		data[0].effective &= ~(1U << CAP_FSETID);
	syscall(SYS_capset, &header, data);
}

void caller_drop_fsetid(void)
{
	set_fsetid(false);
}

void caller_set_umask(fuse_req_t req)
{
	static _Thread_local bool own_umask;

	if (!own_umask)
		own_umask = !unshare(CLONE_FS);
	umask(fuse_req_ctx(req)->umask);
}

int caller_chmod(int file, mode_t mode)
{
	char path[32];

	/* fchmod(2) takes no O_PATH. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (mode & S_ISGID)
		set_fsetid(true);
	int error = chmod(path, mode & 07777) ? -errno : 0;

	if (mode & S_ISGID)
		set_fsetid(false);
	return error;
}

/* The most groups that are asked for; who has more is taken for a stranger. */
#define GROUPS 1024

static bool is_of_group(fuse_req_t req, gid_t gid)
{
	const struct fuse_ctx *caller = fuse_req_ctx(req);
	gid_t groups[GROUPS];

	if (caller->uid == 0 || caller->gid == gid)
		return true;
	int count = fuse_req_getgroups(req, GROUPS, groups);

	for (int i = 0; i < count && i < GROUPS; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

int caller_set_acl(fuse_req_t req, const char *path, const char *name, const void *value,
		   size_t size, int flags)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	const bool keep = st.st_mode & S_ISGID && is_of_group(req, st.st_gid);

	if (keep)
		set_fsetid(true);
	int error = setxattr(path, name, value, size, flags) ? -errno : 0;

	if (keep)
		set_fsetid(false);
	return error;
}

/* Root keeps set-id bits by his capability. A file's own capabilities go, whoever writes. */
static bool has_nothing_to_lose(const struct node *node, bool root)
{
	return root ? node->xattrs == XATTRS_NONE : node->has_no_set_ids;
}

void caller_wrote(fuse_req_t req, struct node *node)
{
	const bool root = fuse_req_ctx(req)->uid == 0;
	struct fs *fs = fs_of(req);

	if (fs->heap->ops->memory == HEAP_TREE_FILE || has_nothing_to_lose(node, root))
		return;
	/* First, so that bits set meanwhile are looked at the next time. */
	node->has_no_set_ids |= !root;
	scope(fd) int file = node_open(&fs->tree, node, O_WRONLY);

	if (root)
		fremovexattr(file, "security.capability");
	/* Empty as it is, being truncated takes from it what a write would. */
	else if (file < 0 || ftruncate(file, 0))
		node->has_no_set_ids = false;
}

/* The rest of the mode is as umask and default access list have made it. */
static int restore_set_ids(int dirfd, const char *name, mode_t set_ids)
{
	scope(fd) int file = *name ? openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)
				   : fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	struct stat st;

	if (file < 0 || fstat(file, &st))
		return -errno;
	return caller_chmod(file, (st.st_mode & ~(S_ISUID | S_ISGID)) | set_ids);
}

static int give(const struct fuse_ctx *caller, int parent, int dirfd, const char *name)
{
	const int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
	gid_t gid = caller->gid;
	struct stat st;

	if (caller->uid == geteuid() && caller->gid == getegid())
		return 0;
	if (fstat(parent, &st))
		return -errno;
	if (st.st_mode & S_ISGID)
		gid = -1;
	return fchownat(dirfd, name, caller->uid, gid, flags) ? -errno : 0;
}

int caller_own(fuse_req_t req, int parent, int dirfd, const char *name, mode_t mode)
{
	const mode_t set_ids = mode & (S_ISUID | S_ISGID);
	int error = give(fuse_req_ctx(req), parent, dirfd, name);

	/* Making it without CAP_FSETID and changing the owner have taken them. */
	if (!error && set_ids && !S_ISDIR(mode))
		error = restore_set_ids(dirfd, name, set_ids);
	return error;
}
