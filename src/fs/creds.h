/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Credentials of the caller. The kernel has checked the caller's permissions already, as
 * the mount has default_permissions. What is left here: new files get the caller's owner
 * and umask, and set-id bits are kept and dropped as for the caller.
 */
#ifndef FS_CREDS_H
#define FS_CREDS_H

#include "fs/inode.h"

/*
 * Drops all capabilities but those that serving needs, for good, and sets no_new_privs.
 * CAP_FSETID is kept but off, so that the kernel clears set-id bits and file capabilities
 * when data is written, by passthrough too. Call it before any thread exists. 0 or -errno.
 */
int creds_drop_privileges(void);

/* Sets the umask for files that this thread creates next. */
void creds_set_umask(fuse_req_t req);

/* chmod(2) that may set S_ISGID for any group. 0 or -errno. */
int creds_chmod(int file, mode_t mode);

/*
 * setxattr(2) of the access list of @path. It clears S_ISGID if the caller is not in the
 * file's group, as usual. 0 or -errno.
 */
int creds_set_acl(fuse_req_t req, const char *path, const char *name, const void *value,
		  size_t size, int flags);

/*
 * The caller has written through this process, or truncated the file by opening it. Clears
 * set-id bits and capabilities, if the tree's kernel has not seen the write.
 */
void creds_wrote(fuse_req_t req, struct inode *inode);

/*
 * The caller, if not root, gets an fd by which the memory can be written without notice.
 * Clears set-id bits and capabilities of the file, which is in the tree with its data.
 */
void creds_gave_memory(fuse_req_t req, struct inode *inode);

/*
 * S_ISGID without execution by the group gives no rights, and stays for a caller who is in
 * the group. An operation here may take it: the kernel judges this process. Bits that give
 * rights are not restored, since another user may have written meanwhile.
 */
struct set_gid {
	int file; /* O_PATH */
	bool keep;
};

/* Before an operation on @file, an O_PATH fd or -errno; and after it. */
struct set_gid creds_begin(fuse_req_t req, int file);
void creds_end(const struct set_gid *set_gid);

/*
 * Gives a new file, created here with @mode in @parent, to the caller. Its group is that of
 * the directory if the directory is set-group-id. The file is @name in @dirfd, or @dirfd
 * itself if @name is empty. 0 or -errno.
 */
int creds_give(fuse_req_t req, int parent, int dirfd, const char *name, mode_t mode);

#endif
