// SPDX-License-Identifier: GPL-2.0-or-later
/* stat(2), statfs(2), chmod(2), chown(2), utimes(2), truncate(2). */
#include "fs/creds.h"
#include "fs/ops.h"
#include "state/request.h"
#include "util/math.h"
#include "util/scope.h"

#include <fcntl.h>
#include <sys/statvfs.h>

void op_getattr(fuse_req_t req, struct inode *inode)
{
	struct stat st;
	const int error = inode_answer(req, inode, inode_stat(fs_of(req), inode, &st));

	if (error)
		fs_reply_error(req, error);
	else
		fuse_reply_attr(req, &st, inode_attr_timeout(inode, &st));
}

static int set_owner(fuse_req_t req, int file, const struct stat *attr, int which)
{
	const uid_t uid = which & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
	const gid_t gid = which & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;
	const struct set_gid set_gid = creds_begin(req, file);
	struct stat before;

	if (fstat(file, &before))
		return -errno;
	/* A replay may find the new owner. */
	request_note_once(before.st_uid, before.st_ino);
	before.st_uid = (uid_t)request_notes()[0];
	if (fchownat(file, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -errno;
	creds_end(&set_gid);
	if (uid != (uid_t)-1 && uid != before.st_uid)
		users_move_names(&fs_of(req)->users, before.st_uid, uid,
				 S_ISDIR(before.st_mode) ? 1 : before.st_nlink);
	return 0;
}

static int set_size(fuse_req_t req, struct inode *inode, int file, off_t size)
{
	struct fs *fs = fs_of(req);
	const struct set_gid set_gid = creds_begin(req, file);
	int error = inode_hold(fs, inode, -1);

	if (error)
		return error;
	error = buffer_truncate(inode->buffer, size);
	creds_end(&set_gid);
	if (!error && size == 0)
		last_copy_forget(fs, inode);
	inode_drop(fs, inode);
	return error;
}

static struct timespec time_to_set(struct timespec given, bool set, bool now)
{
	if (now)
		given.tv_nsec = UTIME_NOW;
	else if (!set)
		given.tv_nsec = UTIME_OMIT;
	return given;
}

static int set_times(struct inode *inode, int file, const struct stat *attr, int which)
{
	const struct timespec times[] = {
		time_to_set(attr->st_atim, which & FUSE_SET_ATTR_ATIME,
			    which & FUSE_SET_ATTR_ATIME_NOW),
		time_to_set(attr->st_mtim, which & FUSE_SET_ATTR_MTIME,
			    which & FUSE_SET_ATTR_MTIME_NOW),
	};

	if (utimensat(file, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -errno;
	guard(mutex)(&inode->lock);
	return inode->buffer ? buffer_set_times(inode->buffer, times) : 0;
}

/* The order matters: chown clears set-id bits, and a new size changes the times. */
static int set_attributes(fuse_req_t req, struct inode *inode, const struct stat *attr, int which)
{
	scope(fd) int file = node_open(&fs_of(req)->tree, &inode->node, O_PATH | O_NOFOLLOW);
	int error = file < 0 ? file : 0;

	if (!error && which & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		error = set_owner(req, file, attr, which);
	if (!error && which & FUSE_SET_ATTR_MODE) {
		error = creds_chmod(file, attr->st_mode);
		inode->has_no_set_ids = false;
	}
	if (!error && which & FUSE_SET_ATTR_SIZE)
		error = set_size(req, inode, file, attr->st_size);
	if (!error && which & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
			       FUSE_SET_ATTR_MTIME_NOW))
		error = set_times(inode, file, attr, which);
	return error;
}

void op_setattr(fuse_req_t req, struct inode *inode, const struct stat *attr, int which)
{
	const int error = set_attributes(req, inode, attr, which);

	if (error)
		fs_reply_error(req, inode_answer(req, inode, error));
	else
		op_getattr(req, inode);
}

/* If the memory is not the tree's, the quota and the limit of open files apply. */
static void set_limits(struct statvfs *st, const struct fs_usage *usage)
{
	const uint64_t most = usage->buffers_limit;
	const uint64_t left = most > usage->files_used ? most - usage->files_used : 0;
	const uint64_t free = usage->memory_used < usage->memory_limit
				      ? usage->memory_limit - usage->memory_used
				      : 0;

	st->f_blocks = usage->memory_limit / st->f_frsize;
	st->f_bfree = st->f_bavail = free / st->f_frsize;
	st->f_files = min_u64(st->f_files, most);
	st->f_ffree = st->f_favail = min_u64(st->f_ffree, left);
}

void op_statfs(fuse_req_t req, struct inode *inode)
{
	struct fs *fs = fs_of(req);
	struct fs_usage usage;
	struct statvfs st;

	(void)inode;
	if (fstatvfs(fs->tree.mount, &st) || fs_usage(fs, &usage)) {
		fs_reply_error(req, -errno);
		return;
	}
	if (!fs->heap->ops->in_tmpfs)
		set_limits(&st, &usage);
	fuse_reply_statfs(req, &st);
}
