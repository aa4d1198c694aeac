// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes of the source's inodes, as they are shown. */
#include "source/internal.h"
#include "util/compat.h"
#include "util/fd_path.h"
#include "util/scope.h"

#include <errno.h>
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

/* Set in a short inode number. The tree's own get there with its two billionth file. */
#define SHORT_BIT (UINT64_C(1) << 31)

ino_t source_inode_number(const struct source *source, dev_t dev, ino_t ino)
{
	/* Programs without large-file support fail if a number does not fit 32 bits. */
	if (dev == source->dev && ino < SHORT_BIT)
		return SHORT_BIT | ino;
	/* One mount can have several devices: btrfs has one for each subvolume. */
	return SOURCE_BIT | (ino ^ (dev ^ source->dev) * UINT64_C(0x9e3779b97f4a7c15));
}

/* An error other than these two may hide a list. */
static bool may_have_acl(int fd)
{
	if (getxattr(fd_path(fd).text, ACL_ACCESS, NULL, 0) >= 0)
		return true;
	return errno != ENODATA && errno != EOPNOTSUPP;
}

int source_identify(const struct source *source, int fd, struct source_identity *identity,
		    struct stat *st)
{
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &x))
		return -errno;
	*st = stat_of(&x);
	*identity = (struct source_identity){.dev = st->st_dev, .ino = st->st_ino};
	if (x.stx_mask & STATX_BTIME)
		identity->born = time_of(x.stx_btime);
	st->st_ino = source_inode_number(source, st->st_dev, st->st_ino);
	if (S_ISREG(st->st_mode))
		st->st_blocks = st->st_size / 512 + !!(st->st_size % 512);
	if (!source->show_acls && !S_ISLNK(st->st_mode) && may_have_acl(fd))
		st->st_mode &= ~(mode_t)(S_IRWXG | S_IRWXO);
	return 0;
}

static bool is_acl(const char *name)
{
	return !strcmp(name, ACL_ACCESS) || !strcmp(name, ACL_DEFAULT);
}

/* The other namespaces are for the system or for root. */
static bool is_shown(const struct source *source, const char *name)
{
	return !strncmp(name, "user.", strlen("user.")) || (source->show_acls && is_acl(name));
}

int source_stat(struct source *source, int fd, struct stat *st)
{
	struct source_identity identity;

	return source_identify(source, fd, &identity, st);
}

int source_statfs(struct source *source, struct statvfs *st)
{
	return fstatvfs(source->root, st) ? -errno : 0;
}

ssize_t source_getxattr(struct source *source, int fd, const char *name, void *value, size_t size)
{
	if (!is_shown(source, name))
		return -EOPNOTSUPP;
	const ssize_t length = getxattr(fd_path(fd).text, name, value, size);

	if (length >= 0)
		return length;
	/* A filesystem without access lists has no list on this file. */
	return errno == EOPNOTSUPP && is_acl(name) ? -ENODATA : -errno;
}

/* Moves the names to show to the front and returns their length. */
static size_t keep_shown(const struct source *source, char *names, size_t length)
{
	size_t kept = 0;

	for (size_t at = 0, size; at < length; at += size) {
		size = strlen(names + at) + 1;
		if (!is_shown(source, names + at))
			continue;
		memmove(names + kept, names + at, size);
		kept += size;
	}
	return kept;
}

ssize_t source_listxattr(struct source *source, int fd, char *names, size_t size)
{
	/* The length of the names shown is known only when all have been read. */
	scope(free) char *all = malloc(XATTR_LIST_MAX);

	if (!all)
		return -ENOMEM;
	ssize_t length = listxattr(fd_path(fd).text, all, XATTR_LIST_MAX);

	if (length < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	length = (ssize_t)keep_shown(source, all, (size_t)length);
	if (size && (size_t)length > size)
		return -ERANGE;
	if (size)
		memcpy(names, all, (size_t)length);
	return length;
}
