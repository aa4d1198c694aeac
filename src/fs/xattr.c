// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extended attributes are those of the file in the tree, except user.dmaheap.*, whose texts
 * are generated. These are not listed, or `cp -a` would copy them out and fail to copy them
 * back.
 */
#include "fs/creds.h"
#include "fs/info.h"
#include "fs/ops.h"
#include "fs/resize.h"
#include "state/request.h"
#include "util/fd_path.h"
#include "util/mount_size.h"
#include "util/scope.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#define INFO_PREFIX "user.dmaheap."

static bool has_prefix(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

static bool is_info(const char *name)
{
	return has_prefix(name, INFO_PREFIX);
}

/* Stored in the tree, for this process only. */
static bool is_hidden(const char *name)
{
	return !strcmp(name, LAST_COPY_ATTRIBUTE);
}

/* An O_PATH fd of the inode, or -errno. */
static int open_inode(fuse_req_t req, struct inode *inode)
{
	return node_open(&fs_of(req)->tree, &inode->node, O_PATH | O_NOFOLLOW);
}

/* --- files without any ------------------------------------------------------------- */

/*
 * Before the first write to a file the kernel asks for security.capability, and ls asks for
 * security.selinux and access lists. Nearly all files have none of them, so the inode
 * remembers that it has no extended attributes at all.
 */
static bool is_common_question(const char *name)
{
	return has_prefix(name, "security.") || has_prefix(name, "system.posix_acl_");
}

static void note(struct inode *inode, ssize_t length_of_names)
{
	if (length_of_names >= 0)
		inode->xattrs = length_of_names ? XATTRS_SOME : XATTRS_NONE;
}

static bool has_none(fuse_req_t req, struct inode *inode)
{
	guard(mutex)(&inode->lock);
	if (inode->xattrs == XATTRS_UNKNOWN) {
		scope(fd) int file = open_inode(req, inode);

		if (file >= 0)
			note(inode, listxattr(fd_path(file).text, NULL, 0));
	}
	return inode->xattrs == XATTRS_NONE;
}

/* After one was set. A list from before is noted already. */
static void forget_note(struct inode *inode)
{
	guard(mutex)(&inode->lock);
	inode->xattrs = XATTRS_UNKNOWN;
}

/* --- getxattr(2) ------------------------------------------------------------------- */

static void get_info(fuse_req_t req, struct inode *inode, const char *name, size_t size)
{
	scope(free) char *text = NULL;
	const ssize_t length = info_xattr(fs_of(req), inode, name + strlen(INFO_PREFIX), &text);

	fs_reply_value(req, text, length, size);
}

static ssize_t get(int file, const char *name, char *value, size_t size)
{
	if (file < 0)
		return file;
	const ssize_t length = getxattr(fd_path(file).text, name, value, size);

	return length < 0 ? -errno : length;
}

void op_getxattr(fuse_req_t req, struct inode *inode, const char *name, size_t size)
{
	if (is_info(name)) {
		get_info(req, inode, name, size);
		return;
	}
	if (is_hidden(name) || (is_common_question(name) && has_none(req, inode))) {
		fs_reply_error(req, -ENODATA);
		return;
	}
	scope(fd) int file = open_inode(req, inode);
	scope(free) char *value = size ? malloc(size) : NULL;
	const ssize_t length = size && !value ? -ENOMEM : get(file, name, value, size);

	fs_reply_value(req, value, length, size);
}

/* --- listxattr(2) ------------------------------------------------------------------ */

/*
 * Allocates all names into @names; returns their length, or -errno. Another request may add
 * one meanwhile, so the size is not asked for first.
 */
static ssize_t list_names(const char *path, char **names)
{
	*names = malloc(XATTR_LIST_MAX);
	const ssize_t length = *names ? listxattr(path, *names, XATTR_LIST_MAX) : -1;

	return length < 0 ? -errno : length;
}

/* Removes names that are ours, and those that the kernel shows to root only. */
static ssize_t hide_names(char *names, ssize_t length, bool root)
{
	char *kept = names;

	for (const char *name = names, *next; name < names + length; name = next) {
		next = name + strlen(name) + 1;
		if (is_hidden(name) || (!root && has_prefix(name, "trusted.")))
			continue;
		memmove(kept, name, next - name);
		kept += next - name;
	}
	return kept - names;
}

void op_listxattr(fuse_req_t req, struct inode *inode, size_t size)
{
	scope(fd) int file = open_inode(req, inode);
	scope(free) char *names = NULL;
	ssize_t length = file < 0 ? file : list_names(fd_path(file).text, &names);

	if (length > 0)
		length = hide_names(names, length, fuse_req_ctx(req)->uid == 0);
	fs_reply_value(req, names, length, size);
}

/* --- setxattr(2), removexattr(2) --------------------------------------------------- */

static bool is_read_only(const char *name)
{
	return is_info(name) || is_hidden(name);
}

/* Values take the place of inodes. A quarter of these is for names, and for root. */
static int may_set(fuse_req_t req)
{
	struct statvfs st;

	if (fuse_req_ctx(req)->uid == 0 || fstatvfs(fs_of(req)->tree.mount, &st))
		return 0;
	return st.f_ffree < st.f_files / 4 ? -EDQUOT : 0;
}

/*
 * The kernel does not know whether a file has an attribute. So that is noted for a replay,
 * which else could not tell its own work from what was there before.
 */
enum { NOTE_HAD = 1, NOTE_HAD_NOT };

static void note_presence(const char *path, const char *name)
{
	request_note_once(getxattr(path, name, NULL, 0) < 0 ? NOTE_HAD_NOT : NOTE_HAD, 0);
}

/* Returns errno as -errno, or 0 if @if_done comes from a change that was made already. */
static int error_unless_done(int if_done, uint64_t noted)
{
	return request_notes()[0] == noted ? request_was_done(-errno, if_done) : -errno;
}

static int set(fuse_req_t req, int file, const char *name, const char *value, size_t size,
	       int flags)
{
	const struct fd_path path = fd_path(file);
	struct quota *quota = &fs_of(req)->quota;
	int error = may_set(req) ?: quota_enter(quota, size);

	if (error)
		return error;
	if (flags & (XATTR_CREATE | XATTR_REPLACE))
		note_presence(path.text, name);
	if (!strcmp(name, "system.posix_acl_access"))
		error = creds_set_acl(req, path.text, name, value, size, flags);
	else if (setxattr(path.text, name, value, size, flags))
		error = error_unless_done(-EEXIST, NOTE_HAD_NOT);
	quota_leave(quota, size);
	return error;
}

void op_setxattr(fuse_req_t req, struct inode *inode, const char *name, const char *value,
		 size_t size, int flags)
{
	/* From dmaheapctl. Any writer of the file may record how it was copied. */
	if (!strcmp(name, INFO_PREFIX "copy")) {
		fs_reply_error(req, last_copy_store(fs_of(req), inode, value, size));
		return;
	}
	if (!strcmp(name, MOUNT_SIZE_ATTRIBUTE)) {
		op_resize(req, inode, value, size);
		return;
	}
	scope(fd) int file = is_read_only(name) ? -EPERM : open_inode(req, inode);
	const int error = file < 0 ? file : set(req, file, name, value, size, flags);

	forget_note(inode);
	inode->has_no_set_ids = false;
	fs_reply_error(req, error);
}

void op_removexattr(fuse_req_t req, struct inode *inode, const char *name)
{
	scope(fd) int file = is_read_only(name) ? -EPERM : open_inode(req, inode);
	int error = file < 0 ? file : 0;

	const struct fd_path path = fd_path(file);

	if (!error)
		note_presence(path.text, name);
	if (!error && removexattr(path.text, name))
		error = error_unless_done(-ENODATA, NOTE_HAD);
	fs_reply_error(req, error);
}
