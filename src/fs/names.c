// SPDX-License-Identifier: GPL-2.0-or-later
/* Names: looked up, linked, moved, removed. The kernel does it, in the tree. */
#include "fs/ops.h"
#include "state/request.h"
#include "util/compat.h"
#include "util/fd_path.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>

static struct dir open_dir(fuse_req_t req, struct inode *inode)
{
	return dir_open(&fs_of(req)->tree, &inode->node);
}

void op_lookup(fuse_req_t req, struct inode *parent, const char *name)
{
	scope(dir) struct dir dir = open_dir(req, parent);
	struct fuse_entry_param entry;
	struct inode *inode;
	int error = dir.fd < 0 ? dir.fd : inode_look_up(fs_of(req), dir.fd, name, &inode, &entry);

	if (error == -ENOENT) {
		/* The kernel may cache that there is no such name. */
		entry = (struct fuse_entry_param){.entry_timeout = FS_NAME_TIMEOUT};
		error = 0;
	}
	fs_reply_entry(req, error, &entry);
}

void op_readlink(fuse_req_t req, struct inode *inode)
{
	scope(fd) int file = node_open(&fs_of(req)->tree, &inode->node, O_PATH | O_NOFOLLOW);

	fs_reply_link(req, file);
}

/* The name counts for the file's owner. */
static int link_at(struct users *users, int file, int dirfd, const char *name)
{
	struct stat st;

	if (fstat(file, &st))
		return -errno;
	int error = users_add_name(users, st.st_uid);

	if (error)
		return error;
	/* By /proc, since AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH. */
	if (linkat(AT_FDCWD, fd_path(file).text, dirfd, name, AT_SYMLINK_FOLLOW))
		error = request_was_done(-errno, -EEXIST);
	if (error)
		users_remove_names(users, st.st_uid, 1);
	return error;
}

void op_link(fuse_req_t req, struct inode *inode, struct inode *parent, const char *name)
{
	struct fs *fs = fs_of(req);
	scope(fd) int file = node_open(&fs->tree, &inode->node, O_PATH | O_NOFOLLOW);
	scope(dir) struct dir dir = open_dir(req, parent);
	struct fuse_entry_param entry;
	struct inode *linked;
	int error = file < 0 ? file : dir.fd < 0 ? dir.fd : 0;

	if (!error)
		error = link_at(&fs->users, file, dir.fd, name);
	if (!error)
		node_unpin(&fs->tree, &inode->node);
	if (!error)
		error = inode_look_up(fs, dir.fd, name, &linked, &entry);
	fs_reply_entry(req, error, &entry);
}

/* --- removal ----------------------------------------------------------------------- */

/*
 * Removing a name may remove its file. An fd from before the removal tells whether that was
 * the last name.
 */
static int open_name(int dirfd, const char *name)
{
	return openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static bool lost_last_name(int file, struct stat *st)
{
	return file >= 0 && !fstat(file, st) && !st->st_nlink;
}

static void pin(struct fs *fs, uint64_t ino, int file)
{
	struct inode *inode = inode_find(fs, ino);

	if (inode)
		node_pin(&fs->tree, &inode->node, file);
}

/*
 * Frees the memory of a removed file now, and not at some later FORGET: rm makes room. A
 * caller that was about to open the file gets ESTALE and looks it up again.
 */
static void end_removed(struct fs *fs, int file)
{
	struct stat st;

	if (!lost_last_name(file, &st))
		return;
	if (S_ISREG(st.st_mode))
		inode_removed(fs, st.st_ino, file);
	else
		pin(fs, st.st_ino, file);
}

/*
 * Keeps a replaced file until FORGET. The kernel looks a name up only twice, so opening a
 * name that is replaced all the time would fail otherwise.
 */
static void keep_replaced(struct fs *fs, int file)
{
	struct stat st;

	if (lost_last_name(file, &st))
		pin(fs, st.st_ino, file);
}

/* Noted if there is no such name: an id that no inode of the tree has. */
#define NO_INODE (SOCKET_ID - 1)

/*
 * The owner and the inode of a name that is about to go are noted for a replay, which finds
 * the name gone.
 */
static void note_name(int file)
{
	struct stat st = {.st_ino = NO_INODE};

	if (file >= 0)
		(void)fstat(file, &st);
	request_note_once(st.st_uid, st.st_ino);
}

static void uncount_noted(struct fs *fs)
{
	if (request_notes()[1] != NO_INODE)
		users_remove_names(&fs->users, (uid_t)request_notes()[0], 1);
}

/* Returns an fd of the inode that an earlier process has removed for this request, or -1. */
static int open_noted(struct fs *fs)
{
	struct inode *inode = inode_find(fs, request_notes()[1]);
	const int fd = inode ? node_open(&fs->tree, &inode->node, O_PATH) : -1;

	return fd < 0 ? -1 : fd;
}

static void remove_name(fuse_req_t req, struct inode *parent, const char *name, int flags)
{
	scope(dir) struct dir dir = open_dir(req, parent);
	scope(fd) int file = dir.fd < 0 ? -1 : open_name(dir.fd, name);
	int error = dir.fd < 0 ? dir.fd : 0;

	note_name(file);
	if (!error && unlinkat(dir.fd, name, flags))
		error = request_was_done(-errno, -ENOENT);
	if (!error && file < 0)
		file = open_noted(fs_of(req));
	if (!error) {
		uncount_noted(fs_of(req));
		end_removed(fs_of(req), file);
	}
	/* Before the reply, after which the caller may expect the memory to be free. */
	close_fd(steal_fd(&file));
	fs_reply_error(req, error);
}

void op_unlink(fuse_req_t req, struct inode *parent, const char *name)
{
	remove_name(req, parent, name, 0);
}

void op_rmdir(fuse_req_t req, struct inode *parent, const char *name)
{
	remove_name(req, parent, name, AT_REMOVEDIR);
}

/* Renaming a name to another of the same file keeps both. */
static bool is_same(int file, int dirfd, const char *name)
{
	struct stat a, b;

	return file >= 0 && !fstat(file, &a) && !fstatat(dirfd, name, &b, AT_SYMLINK_NOFOLLOW) &&
	       a.st_ino == b.st_ino;
}

/* An exchange must not be made twice. The noted inode had the new name before it. */
static bool was_exchanged(int file)
{
	struct stat st;

	return request_is_replay() && request_notes()[1] && !fstat(file, &st) &&
	       st.st_ino != request_notes()[1];
}

void op_rename(fuse_req_t req, struct inode *parent, const char *name, struct inode *new_parent,
	       const char *new_name, unsigned flags)
{
	scope(dir) struct dir from = open_dir(req, parent);
	scope(dir) struct dir to = open_dir(req, new_parent);
	scope(fd) int replaced = to.fd < 0 ? -1 : open_name(to.fd, new_name);
	const bool exchanges = flags & RENAME_EXCHANGE;
	const bool replaces = !exchanges && !is_same(replaced, from.fd, name);
	int error = from.fd < 0 ? from.fd : to.fd < 0 ? to.fd : 0;

	if (!error && exchanges && was_exchanged(replaced)) {
		fs_reply_error(req, 0);
		return;
	}
	note_name(replaced);
	if (!error && renameat2(from.fd, name, to.fd, new_name, flags)) {
		error = request_was_done(-errno, -ENOENT);
		/* Under the new name is the renamed file by now. */
		close_fd(replaced);
		replaced = open_noted(fs_of(req));
	}
	if (!error && replaces)
		uncount_noted(fs_of(req));
	if (!error)
		keep_replaced(fs_of(req), replaced);
	close_fd(steal_fd(&replaced));
	fs_reply_error(req, error);
}
