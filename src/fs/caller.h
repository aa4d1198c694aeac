/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Acting for the caller. The kernel has checked his rights already (the mount
 * has default_permissions); what is left is that new files get his owner and
 * his umask, and that set-id bits go and stay as he would see it.
 */
#ifndef FS_CALLER_H
#define FS_CALLER_H

#include "fs/fs.h"

/*
 * Before any thread: gives up CAP_FSETID, so that the kernel drops set-id bits
 * and file capabilities when data is written, past this process too.
 */
void caller_drop_fsetid(void);

/* The umask for files that this thread makes next. */
void caller_set_umask(fuse_req_t req);

/* chmod(2) that may set S_ISGID on any group's file. 0 or -errno. */
int caller_chmod(int file, mode_t mode);

/*
 * setxattr(2) of the access list of the file that @path names. As ever, that
 * takes S_ISGID where the caller is not of the file's group. 0 or -errno.
 */
int caller_set_acl(fuse_req_t req, const char *path, const char *name, const void *value,
		   size_t size, int flags);

/*
 * He has written through this process, or emptied the file in opening it. Where
 * the tree's kernel has not seen that, set-id bits and capabilities go by this.
 */
void caller_wrote(fuse_req_t req, struct node *node);

/*
 * Gives a new file, made by this process with @mode in @parent, to the caller;
 * its group is the directory's if that is set-group-id. The file is @name in
 * @dirfd, or @dirfd itself where @name is empty. 0 or -errno.
 */
int caller_own(fuse_req_t req, int parent, int dirfd, const char *name, mode_t mode);

#endif
