// SPDX-License-Identifier: GPL-2.0-or-later
/* What the view shows of an inode. */
#include "util/scope.h"
#include "view/inside.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define ACL_ACCESS  "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

static struct timespec time_of(struct statx_timestamp stamp)
{
	return (struct timespec){.tv_sec = stamp.tv_sec, .tv_nsec = stamp.tv_nsec};
}

static struct stat stat_of(const struct statx *x)
{
	return (struct stat){
		.st_dev = makedev(x->stx_dev_major, x->stx_dev_minor),
		.st_ino = x->stx_ino,
		.st_mode = x->stx_mode,
		.st_nlink = x->stx_nlink,
		.st_uid = x->stx_uid,
		.st_gid = x->stx_gid,
		.st_rdev = makedev(x->stx_rdev_major, x->stx_rdev_minor),
		.st_size = (off_t)x->stx_size,
		.st_blksize = (blksize_t)x->stx_blksize,
		.st_blocks = (blkcnt_t)x->stx_blocks,
		.st_atim = time_of(x->stx_atime),
		.st_mtim = time_of(x->stx_mtime),
		.st_ctim = time_of(x->stx_ctime),
	};
}

ino_t view_inode_number(const struct view *view, dev_t dev, ino_t ino)
{
	/* One mount can have several devices, as btrfs gives each subvolume its own. */
	return VIEW_BIT | (ino ^ (dev ^ view->dev) * UINT64_C(0x9e3779b97f4a7c15));
}

/* Only what is known to have none is taken to have none. */
static bool may_have_acl(int fd)
{
	if (getxattr(fd_path(fd).text, ACL_ACCESS, NULL, 0) >= 0)
		return true;
	return errno != ENODATA && errno != EOPNOTSUPP;
}

int inode_identify(const struct view *view, int fd, struct view_identity *identity, struct stat *st)
{
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &x))
		return -errno;
	*st = stat_of(&x);
	*identity = (struct view_identity){.dev = st->st_dev, .ino = st->st_ino};
	if (x.stx_mask & STATX_BTIME)
		identity->born = time_of(x.stx_btime);
	st->st_ino = view_inode_number(view, st->st_dev, st->st_ino);
	if (S_ISREG(st->st_mode))
		st->st_blocks = st->st_size / 512 + !!(st->st_size % 512);
	if (!view->show_acls && !S_ISLNK(st->st_mode) && may_have_acl(fd))
		st->st_mode &= ~(mode_t)(S_IRWXG | S_IRWXO);
	return 0;
}

static bool is_acl(const char *name)
{
	return !strcmp(name, ACL_ACCESS) || !strcmp(name, ACL_DEFAULT);
}

/* What is in other namespaces is for the system, or for root's eyes alone. */
static bool is_shown(const struct view *view, const char *name)
{
	return !strncmp(name, "user.", strlen("user.")) || (view->show_acls && is_acl(name));
}

ssize_t view_getxattr(struct view *view, struct view_node *node, const char *name, void *value,
		      size_t size)
{
	if (!is_shown(view, name))
		return -EOPNOTSUPP;
	scope(fd) int fd = view_open(view, node);

	if (fd < 0)
		return fd;
	ssize_t length = getxattr(fd_path(fd).text, name, value, size);

	if (length >= 0)
		return length;
	/* Where lists are asked for, that the filesystem has none means no list. */
	return errno == EOPNOTSUPP && is_acl(name) ? -ENODATA : -errno;
}

/* Moves the names to show to the front, and returns their length. */
static size_t keep_shown(const struct view *view, char *names, size_t length)
{
	size_t kept = 0;

	for (size_t at = 0, size; at < length; at += size) {
		size = strlen(names + at) + 1;
		if (!is_shown(view, names + at))
			continue;
		memmove(names + kept, names + at, size);
		kept += size;
	}
	return kept;
}

ssize_t view_listxattr(struct view *view, struct view_node *node, char *names, size_t size)
{
	/* All of them have to be seen to know how many are shown. */
	scope(free) char *all = malloc(XATTR_LIST_MAX);
	scope(fd) int fd = all ? view_open(view, node) : -ENOMEM;

	if (fd < 0)
		return fd;
	ssize_t length = listxattr(fd_path(fd).text, all, XATTR_LIST_MAX);

	if (length < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	length = (ssize_t)keep_shown(view, all, (size_t)length);
	if (size && (size_t)length > size)
		return -ERANGE;
	if (size)
		memcpy(names, all, (size_t)length);
	return length;
}
