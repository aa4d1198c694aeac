/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Export and import of buffers, on top of src/fdpass. The socket is an inode that every
 * directory of the tree has under the same name, so that a program that sees any of them
 * finds it. It is not listed, or `rm -r` and tar would meet it, and only this process can
 * create it.
 */
#ifndef FS_EXPORT_H
#define FS_EXPORT_H

#include "fs/inode.h"

/* Starts and stops the server; 0 or -errno. */
int export_start(struct fs *fs);

/* Replies to a lookup of the socket. */
void export_look_up_socket(fuse_req_t req);

/* Replies to a mknod of the socket, and returns true, if the caller is the server. */
bool export_make_socket(fuse_req_t req);

extern struct inode export_socket;

#endif
