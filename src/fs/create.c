// SPDX-License-Identifier: GPL-2.0-or-later
/* New inodes: mknod(2), mkdir(2), symlink(2), open(2) with O_CREAT or O_TMPFILE. */
#include "fs/creds.h"
#include "fs/ops.h"
#include "state/request.h"
#include "util/scope.h"

#include <fcntl.h>
#include <sys/xattr.h>

/* What the kernel allocates for a new inode and its name. */
#define NEW_INODE_BYTES 4096

/* 0 or -errno. */
static int may_create(fuse_req_t req)
{
	struct quota *quota = &fs_of(req)->quota;
	const int error = quota_enter(quota, NEW_INODE_BYTES);

	if (!error)
		quota_leave(quota, NEW_INODE_BYTES);
	return error;
}

/* Opens the directory of a new inode. */
static struct dir open_dir(fuse_req_t req, struct inode *inode)
{
	const int error = may_create(req);

	return error ? (struct dir){.fd = error} : dir_open(&fs_of(req)->tree, &inode->node);
}

/* Removes a new name, so that a failure leaves nothing. */
static void undo(fuse_req_t req, int dirfd, const char *name, mode_t mode)
{
	if (!unlinkat(dirfd, name, S_ISDIR(mode) ? AT_REMOVEDIR : 0))
		users_remove_names(&fs_of(req)->users, fuse_req_ctx(req)->uid, 1);
}

/* Gives the new inode to the caller. If that fails the name is removed. 0 or -errno. */
static int give(fuse_req_t req, int dirfd, const char *name, mode_t mode)
{
	int error = users_add_name(&fs_of(req)->users, fuse_req_ctx(req)->uid);

	if (error) {
		unlinkat(dirfd, name, S_ISDIR(mode) ? AT_REMOVEDIR : 0);
		return error;
	}
	error = creds_give(req, dirfd, dirfd, name, mode);
	if (error)
		undo(req, dirfd, name, mode);
	return error;
}

static void reply_made(fuse_req_t req, int error, int dirfd, const char *name, mode_t mode)
{
	struct fuse_entry_param entry;
	struct inode *inode;

	if (!error)
		error = give(req, dirfd, name, mode);
	if (!error) {
		error = inode_look_up(fs_of(req), dirfd, name, &inode, &entry);
		if (error)
			undo(req, dirfd, name, mode);
	}
	fs_reply_entry(req, error, &entry);
}

void op_mknod(fuse_req_t req, struct inode *parent, const char *name, mode_t mode, dev_t rdev)
{
	scope(dir) struct dir dir = open_dir(req, parent);
	int error = dir.fd < 0 ? dir.fd : 0;

	creds_set_umask(req);
	if (!error && mknodat(dir.fd, name, mode, rdev))
		error = request_was_done(-errno, -EEXIST);
	reply_made(req, error, dir.fd, name, mode);
}

void op_mkdir(fuse_req_t req, struct inode *parent, const char *name, mode_t mode)
{
	scope(dir) struct dir dir = open_dir(req, parent);
	int error = dir.fd < 0 ? dir.fd : 0;

	creds_set_umask(req);
	if (!error && mkdirat(dir.fd, name, mode))
		error = request_was_done(-errno, -EEXIST);
	reply_made(req, error, dir.fd, name, S_IFDIR | mode);
}

void op_symlink(fuse_req_t req, struct inode *parent, const char *name, const char *target)
{
	scope(dir) struct dir dir = open_dir(req, parent);
	int error = dir.fd < 0 ? dir.fd : 0;

	if (!error && symlinkat(target, dir.fd, name))
		error = request_was_done(-errno, -EEXIST);
	reply_made(req, error, dir.fd, name, S_IFLNK);
}

/* --- created and opened in one request --------------------------------------------- */

/* This process reads and writes the file, whatever the caller's flags are. */
#define CREATE_FLAGS (O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

/* A default access list may have given the file extended attributes. */
static void note_xattrs(struct inode *inode, int file)
{
	guard(mutex)(&inode->lock);
	const ssize_t length = flistxattr(file, NULL, 0);

	if (length >= 0)
		inode->xattrs = length ? XATTRS_SOME : XATTRS_NONE;
}

/* Opens the new file and replies. @file goes to its buffer. On -errno there is no reply. */
static int open_and_reply(fuse_req_t req, int file, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param entry;
	struct inode *inode;
	int error = inode_look_up(fs, file, "", &inode, &entry);

	if (error) {
		close_fd(file);
		return error;
	}
	if (entry.attr.st_nlink == 0)
		inode_keep_nameless(fs, inode, file);
	note_xattrs(inode, file);
	fi->flags &= ~O_TRUNC;
	error = file_open(req, inode, file, fi);
	if (error) {
		inode_forget(fs, inode, 1);
		return error;
	}
	entry.attr_timeout = inode_attr_timeout(inode, &entry.attr);
	fuse_reply_create(req, &entry, fi);
	return 0;
}

static int create_file(int dirfd, const char *name, mode_t mode)
{
	int file = openat(dirfd, name, CREATE_FLAGS, mode & 07777);

	if (file < 0 && request_was_done(-errno, -EEXIST) == 0)
		file = openat(dirfd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return file < 0 ? -errno : file;
}

void op_create(fuse_req_t req, struct inode *parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi)
{
	scope(dir) struct dir dir = open_dir(req, parent);

	creds_set_umask(req);
	scope(fd) int file = dir.fd < 0 ? dir.fd : create_file(dir.fd, name, mode);
	int error = file < 0 ? file : 0;

	if (!error)
		error = give(req, dir.fd, name, S_IFREG | mode);
	if (!error) {
		error = open_and_reply(req, steal_fd(&file), fi);
		if (error)
			undo(req, dir.fd, name, S_IFREG);
	}
	if (error)
		fs_reply_error(req, error);
}

void op_tmpfile(fuse_req_t req, struct inode *parent, mode_t mode, struct fuse_file_info *fi)
{
	struct tree *tree = &fs_of(req)->tree;
	const int refusal = may_create(req);
	scope(fd) int dirfd =
		refusal ? refusal : node_open(tree, &parent->node, O_RDONLY | O_DIRECTORY);

	creds_set_umask(req);
	scope(fd) int file =
		dirfd < 0 ? -1 : openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode & 07777);
	int error = dirfd < 0 ? dirfd : file < 0 ? -errno : 0;

	if (!error)
		error = creds_give(req, dirfd, file, "", S_IFREG | mode);
	if (!error)
		error = open_and_reply(req, steal_fd(&file), fi);
	if (error)
		fs_reply_error(req, error);
}
