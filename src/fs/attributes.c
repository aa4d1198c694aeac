// SPDX-License-Identifier: GPL-2.0-or-later
/* What stat(2), statfs(2), chmod(2), chown(2), utimes(2) and truncate(2) ask. */
#include "fs/caller.h"
#include "fs/copied.h"
#include "fs/file.h"
#include "fs/ops.h"
#include "util/scope.h"

#include <fcntl.h>
#include <sys/statvfs.h>

static void reply_attributes(fuse_req_t req, struct node *node)
{
	struct stat st;
	int error = fs_answer(req, node, fs_stat(fs_of(req), node, &st));

	if (error)
		fs_reply_error(req, error);
	else
		fuse_reply_attr(req, &st, fs_attr_timeout(node, &st));
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	reply_attributes(req, fs_node(req, ino));
}

static int set_owner(int file, const struct stat *attr, int which)
{
	const uid_t uid = which & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
	const gid_t gid = which & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;

	return fchownat(file, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static int set_size(struct fs *fs, struct node *node, off_t size)
{
	int error = file_hold(fs, node, -1);

	if (error)
		return error;
	error = buffer_truncate(node->buffer, size);
	if (!error && size == 0)
		copied_forget(fs, node);
	file_drop(fs, node);
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

static int set_times(struct node *node, int file, const struct stat *attr, int which)
{
	const struct timespec times[] = {
		time_to_set(attr->st_atim, which & FUSE_SET_ATTR_ATIME,
			    which & FUSE_SET_ATTR_ATIME_NOW),
		time_to_set(attr->st_mtim, which & FUSE_SET_ATTR_MTIME,
			    which & FUSE_SET_ATTR_MTIME_NOW),
	};

	if (utimensat(file, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -errno;
	with_lock(&node->lock);
	return node->buffer ? buffer_set_times(node->buffer, times) : 0;
}

/* The order matters: a new owner takes set-id bits, and a new size the times. */
static int set_attributes(struct fs *fs, struct node *node, const struct stat *attr, int which)
{
	scope(fd) int file = node_open(&fs->tree, node, O_PATH | O_NOFOLLOW);
	int error = file < 0 ? file : 0;

	if (!error && which & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		error = set_owner(file, attr, which);
	if (!error && which & FUSE_SET_ATTR_MODE) {
		error = caller_chmod(file, attr->st_mode);
		node->has_no_set_ids = false;
	}
	if (!error && which & FUSE_SET_ATTR_SIZE)
		error = set_size(fs, node, attr->st_size);
	if (!error && which & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
			       FUSE_SET_ATTR_MTIME_NOW))
		error = set_times(node, file, attr, which);
	return error;
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int which,
		struct fuse_file_info *fi)
{
	struct node *node = fs_node(req, ino);
	int error = set_attributes(fs_of(req), node, attr, which);

	(void)fi;
	if (error)
		fs_reply_error(req, fs_answer(req, node, error));
	else
		reply_attributes(req, node);
}

static fsfilcnt_t smaller(fsfilcnt_t a, fsfilcnt_t b)
{
	return a < b ? a : b;
}

/*
 * Where the memory is not the tree's, the budget is the size of the filesystem,
 * and there are no more files than fds for their buffers.
 */
static void show_buffers_limits(struct statvfs *st, struct budget *budget)
{
	const fsfilcnt_t used = st->f_files - st->f_ffree;
	const fsfilcnt_t most = fs_most_buffers();

	budget_collect(budget);
	st->f_blocks = budget->limit / st->f_frsize;
	st->f_bfree = st->f_bavail = budget_left(budget) / st->f_frsize;
	st->f_files = smaller(st->f_files, most);
	st->f_ffree = st->f_favail = smaller(st->f_ffree, used < most ? most - used : 0);
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *fs = fs_of(req);
	struct statvfs st;

	(void)ino;
	if (fstatvfs(fs->tree.mount, &st)) {
		fs_reply_error(req, -errno);
		return;
	}
	if (fs->heap->ops->memory != HEAP_TREE_FILE)
		show_buffers_limits(&st, &fs->budget);
	fuse_reply_statfs(req, &st);
}
