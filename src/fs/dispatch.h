/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_DISPATCH_H
#define FS_DISPATCH_H

#include "fs/fs.h"

/* The operations of a session, whose user data is a struct fs. */
extern const struct fuse_lowlevel_ops dispatch_ops;

struct request;

/*
 * Serves the request in a slot. It is answered then, or parked until another thread answers
 * it.
 */
void dispatch_request(struct fs *fs, struct request *request);

/* Serves INIT again, as an earlier process has recorded it: libfuse has to know it. */
void dispatch_init_again(struct fs *fs);

/*
 * Serves the requests on names that an earlier process has left in slots. None of them waits
 * for anything.
 */
void dispatch_left_names(struct fs *fs);

#endif
