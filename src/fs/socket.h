/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket at which src/share redeems its tickets, as the mount shows it: a
 * node of its own that every directory of the tree has under the same name, so
 * that who sees but one of them finds it. It is not listed, or rm -r and tar
 * would come across it, and only this process can make it.
 */
#ifndef FS_SOCKET_H
#define FS_SOCKET_H

#include "fs/fs.h"
#include "fs/source.h"
#include "share/protocol.h"

#include <string.h>

/* Inode numbers of the tree do not get there, those of the view are beyond. */
#define SOCKET_ID (UINT64_C(1) << 62)

static inline bool socket_is_named(fuse_ino_t parent, const char *name)
{
	return !source_has(parent) && !strcmp(name, SHARE_SOCKET);
}

/* Answers a lookup of the name. */
void socket_look_up(fuse_req_t req);

/* Whether the caller may make it, and then the answer. */
bool socket_may_make(fuse_req_t req);
void socket_reply(fuse_req_t req);

/* What can be asked of it. */
extern const struct fuse_lowlevel_ops socket_ops;

#endif
