// SPDX-License-Identifier: GPL-2.0-or-later
/* Names: looked up, made, moved and removed, by the tree's own kernel. */
#include "fs/caller.h"
#include "fs/file.h"
#include "fs/ops.h"
#include "util/scope.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

/* The directory that a request names. */
static struct dir open_dir(fuse_req_t req, fuse_ino_t ino)
{
	return dir_open(&fs_of(req)->tree, fs_node(req, ino));
}

static void reply_entry(fuse_req_t req, int error, int dirfd, const char *name)
{
	struct fuse_entry_param entry;

	if (!error)
		error = fs_entry(fs_of(req), dirfd, name, &entry);
	if (error)
		fs_reply_error(req, error);
	else
		fuse_reply_entry(req, &entry);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	scope(dir) struct dir dir = open_dir(req, parent);
	struct fuse_entry_param entry;
	int error = dir.fd < 0 ? dir.fd : fs_entry(fs_of(req), dir.fd, name, &entry);

	if (error == -ENOENT) {
		/* That there is none is worth remembering, too. */
		entry = (struct fuse_entry_param){.entry_timeout = FS_NAME_TIMEOUT};
		error = 0;
	}
	if (error)
		fs_reply_error(req, error);
	else
		fuse_reply_entry(req, &entry);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	file_forget(fs_of(req), fs_node(req, ino), lookups);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		file_forget(fs_of(req), fs_node(req, forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(req);
}

/* What is made below belongs to the caller, or is not there. */
static int own(fuse_req_t req, int dirfd, const char *name, mode_t mode)
{
	int error = caller_own(req, dirfd, dirfd, name, mode);

	if (error)
		unlinkat(dirfd, name, S_ISDIR(mode) ? AT_REMOVEDIR : 0);
	return error;
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	scope(dir) struct dir dir = open_dir(req, parent);
	int error = dir.fd < 0 ? dir.fd : 0;

	caller_set_umask(req);
	if (!error)
		error = mknodat(dir.fd, name, mode, rdev) ? -errno : own(req, dir.fd, name, mode);
	reply_entry(req, error, dir.fd, name);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	scope(dir) struct dir dir = open_dir(req, parent);
	int error = dir.fd < 0 ? dir.fd : 0;

	caller_set_umask(req);
	if (!error)
		error = mkdirat(dir.fd, name, mode) ? -errno
						   : own(req, dir.fd, name, S_IFDIR | mode);
	reply_entry(req, error, dir.fd, name);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	scope(dir) struct dir dir = open_dir(req, parent);
	int error = dir.fd < 0 ? dir.fd : 0;

	if (!error)
		error = symlinkat(target, dir.fd, name) ? -errno : own(req, dir.fd, name, S_IFLNK);
	reply_entry(req, error, dir.fd, name);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	scope(fd) int file = node_open(&fs_of(req)->tree, fs_node(req, ino), O_PATH | O_NOFOLLOW);
	char target[PATH_MAX + 1];
	ssize_t length = file < 0 ? file : readlinkat(file, "", target, PATH_MAX);

	if (length < 0) {
		fs_reply_error(req, file < 0 ? file : -errno);
		return;
	}
	target[length] = '\0';
	fuse_reply_readlink(req, target);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	scope(fd) int file = node_open(&fs_of(req)->tree, fs_node(req, ino), O_PATH | O_NOFOLLOW);
	scope(dir) struct dir dir = open_dir(req, parent);
	int error = file < 0 ? file : dir.fd < 0 ? dir.fd : 0;
	char path[32];

	/* By the detour, as AT_EMPTY_PATH wants more rights than a user has. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (!error && linkat(AT_FDCWD, path, dir.fd, name, AT_SYMLINK_FOLLOW))
		error = -errno;
	if (!error)
		node_unpin(&fs_of(req)->tree, fs_node(req, ino));
	reply_entry(req, error, dir.fd, name);
}

/*
 * Removing a name may remove a file. It is held from before the name goes, so
 * that afterwards there is something to ask whether that was the last one.
 */
static int hold_name(int dirfd, const char *name)
{
	return openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static bool lost_last_name(int held, struct stat *st)
{
	return held >= 0 && !fstat(held, st) && !st->st_nlink;
}

/*
 * The memory of a removed file goes back now, not at some later FORGET: rm
 * makes room. Who was about to open it is sent to look again (ESTALE).
 */
static void end_removed(fuse_req_t req, int held)
{
	struct stat st;

	if (!lost_last_name(held, &st))
		return;
	if (S_ISREG(st.st_mode))
		file_end_nameless(fs_of(req), st.st_ino, held);
	else
		node_pin(&fs_of(req)->tree, st.st_ino, held);
}

/*
 * A replaced file stays until FORGET: the kernel looks again but once, so that
 * whoever opens a name that is replaced all the time would be turned away.
 */
static void keep_replaced(fuse_req_t req, int held)
{
	struct stat st;

	if (lost_last_name(held, &st))
		node_pin(&fs_of(req)->tree, st.st_ino, held);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, int flags)
{
	scope(dir) struct dir dir = open_dir(req, parent);
	scope(fd) int held = dir.fd < 0 ? -1 : hold_name(dir.fd, name);
	int error = dir.fd < 0 ? dir.fd : 0;

	if (!error && unlinkat(dir.fd, name, flags))
		error = -errno;
	if (!error)
		end_removed(req, held);
	close_fd(steal_fd(&held));
	fs_reply_error(req, error);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, 0);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, AT_REMOVEDIR);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	       const char *new_name, unsigned flags)
{
	scope(dir) struct dir from = open_dir(req, parent);
	scope(dir) struct dir to = open_dir(req, new_parent);
	scope(fd) int replaced = to.fd < 0 ? -1 : hold_name(to.fd, new_name);
	int error = from.fd < 0 ? from.fd : to.fd < 0 ? to.fd : 0;

	if (!error && renameat2(from.fd, name, to.fd, new_name, flags))
		error = -errno;
	if (!error)
		keep_replaced(req, replaced);
	close_fd(steal_fd(&replaced));
	fs_reply_error(req, error);
}
