// SPDX-License-Identifier: GPL-2.0-or-later
/* Regular files opened and closed. */
#include "fs/caller.h"
#include "fs/file.h"
#include "fs/ops.h"
#include "fs/passthrough.h"
#include "fs/xattrs.h"
#include "share/share.h"
#include "util/scope.h"

#include <fcntl.h>

/* What this process needs the file for does not depend on the caller's flags. */
#define MAKE_FLAGS (O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

/* Answers with the new file @file, whose fd goes to its buffer. */
static void reply_created(fuse_req_t req, int file, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param entry;
	int error = fs_entry(fs, file, "", &entry);

	if (error) {
		close_fd(file);
		fs_reply_error(req, error);
		return;
	}
	struct node *node = node_find(&fs->tree, entry.ino);

	if (entry.attr.st_nlink == 0)
		file_keep_nameless(fs, entry.ino, file);
	xattrs_learn(node, file);
	error = file_open(fs, node, file, fi->flags & ~O_TRUNC);
	if (error) {
		file_forget(fs, node, 1);
		fs_reply_error(req, error);
		return;
	}
	passthrough_choose(req, node, fi);
	entry.attr_timeout = fs_attr_timeout(node, &entry.attr);
	fuse_reply_create(req, &entry, fi);
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi)
{
	struct tree *tree = &fs_of(req)->tree;
	scope(dir) struct dir dir = dir_open(tree, fs_node(req, parent));

	caller_set_umask(req);
	scope(fd) int file = dir.fd < 0 ? -1 : openat(dir.fd, name, MAKE_FLAGS, mode & 07777);
	int error = dir.fd < 0 ? dir.fd : file < 0 ? -errno : 0;

	if (!error)
		error = caller_own(req, dir.fd, dir.fd, name, S_IFREG | mode);
	if (error)
		fs_reply_error(req, error);
	else
		reply_created(req, steal_fd(&file), fi);
}

void op_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi)
{
	struct tree *tree = &fs_of(req)->tree;
	scope(fd) int dirfd = node_open(tree, fs_node(req, parent), O_RDONLY | O_DIRECTORY);

	caller_set_umask(req);
	scope(fd) int file =
		dirfd < 0 ? -1 : openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode & 07777);
	int error = dirfd < 0 ? dirfd : file < 0 ? -errno : 0;

	if (!error)
		error = caller_own(req, dirfd, file, "", S_IFREG | mode);
	if (error)
		fs_reply_error(req, error);
	else
		reply_created(req, steal_fd(&file), fi);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct node *node = fs_node(req, ino);
	int error = fs_answer(req, node, file_open(fs, node, -1, fi->flags));

	if (error) {
		fs_reply_error(req, error);
		return;
	}
	if (fi->flags & O_TRUNC)
		caller_wrote(req, node);
	passthrough_choose(req, node, fi);
	fuse_reply_open(req, fi);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	share_revoke(fs_of(req)->share, fi->fh);
	file_close(fs_of(req), fs_node(req, ino), fi);
	fuse_reply_err(req, 0);
}
