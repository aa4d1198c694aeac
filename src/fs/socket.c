// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/socket.h"

#include "fs/ops.h"
#include "share/share.h"

#include <errno.h>

/* It comes and goes, and nobody is to believe that it is there or not. */
#define SOCKET_TIMEOUT 0

/* Who may see the file may connect; what that is good for the ticket says. */
static const struct stat attributes = {
	.st_ino = SOCKET_ID,
	.st_mode = S_IFSOCK | 0666,
	.st_nlink = 1,
};

void socket_reply(fuse_req_t req)
{
	const struct fuse_entry_param entry = {
		.ino = SOCKET_ID,
		.attr = attributes,
		.attr_timeout = SOCKET_TIMEOUT,
		.entry_timeout = SOCKET_TIMEOUT,
	};

	fuse_reply_entry(req, &entry);
}

void socket_look_up(fuse_req_t req)
{
	if (share_shows(fs_of(req)->share, fuse_req_ctx(req)->pid))
		socket_reply(req);
	else
		fs_reply_error(req, -ENOENT);
}

bool socket_may_make(fuse_req_t req)
{
	return share_may_bind(fs_of(req)->share, fuse_req_ctx(req)->pid);
}

/* The node is no more than its id. */
static void socket_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	(void)ino;
	(void)lookups;
	fuse_reply_none(req);
}

static void socket_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	fuse_reply_attr(req, &attributes, SOCKET_TIMEOUT);
}

static void socket_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	(void)ino;
	(void)name;
	(void)size;
	fs_reply_error(req, -ENODATA);
}

static void socket_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	(void)ino;
	fs_reply_value(req, NULL, 0, size);
}

const struct fuse_lowlevel_ops socket_ops = {
	.forget = socket_forget,
	.getattr = socket_getattr,
	.statfs = op_statfs,
	.getxattr = socket_getxattr,
	.listxattr = socket_listxattr,
};
