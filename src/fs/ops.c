// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of operations. What is left out has a better answer than ours:
 * flush and fsync have nothing to write back, access is the kernel's
 * default_permissions, locks are the kernel's own.
 */
#include "fs/ops.h"

#include "fs/passthrough.h"
#include "view/view.h"

#include <errno.h>
#include <stdio.h>
#include <sys/xattr.h>

/* Access lists need a tree that can keep them. */
static bool tree_has_acls(const struct tree *tree)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", tree->mount);
	return getxattr(path, "system.posix_acl_access", NULL, 0) >= 0 || errno == ENODATA;
}

static void op_init(void *user, struct fuse_conn_info *conn)
{
	struct fs *fs = user;
	/* A lookup that hangs in the source must not hold up its directory. */
	uint32_t want = FUSE_CAP_DONT_MASK | FUSE_CAP_PARALLEL_DIROPS;

	if (tree_has_acls(&fs->tree))
		want |= FUSE_CAP_POSIX_ACL;
#ifdef FUSE_CAP_HANDLE_KILLPRIV_V2 /* since libfuse 3.17 */
	/* The tree's kernel drops set-id bits by itself, where it sees the data. */
	if (fs->heap->ops->memory == HEAP_TREE_FILE)
		want |= FUSE_CAP_HANDLE_KILLPRIV_V2;
#endif
	conn->want |= want & conn->capable;
	if (fs->view)
		view_show_acls(fs->view, conn->want & FUSE_CAP_POSIX_ACL);
	passthrough_negotiate(fs, conn);
}

const struct fuse_lowlevel_ops fs_ops = {
	.init = op_init,

	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.symlink = op_symlink,
	.readlink = op_readlink,
	.link = op_link,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.rename = op_rename,

	.getattr = op_getattr,
	.setattr = op_setattr,
	.statfs = op_statfs,

	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_releasedir,

	.create = op_create,
#ifdef DMAHEAPFS_HAVE_PASSTHROUGH /* no older libfuse knows it */
	.tmpfile = op_tmpfile,
#endif
	.open = op_open,
	.release = op_release,

	.read = op_read,
	.write = op_write,
	.fallocate = op_fallocate,
	.lseek = op_lseek,
	.copy_file_range = op_copy_file_range,

	.ioctl = op_ioctl,

	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.setxattr = op_setxattr,
	.removexattr = op_removexattr,
};
