// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/source.h"

#include "fs/ops.h"

const struct fuse_lowlevel_ops source_ops = {
	.lookup = source_lookup,
	.forget = source_forget,
	.readlink = source_readlink,

	.getattr = source_getattr,
	.statfs = source_statfs,
	.getxattr = source_getxattr,
	.listxattr = source_listxattr,

	.opendir = source_opendir,
	.readdir = source_readdir,
	.readdirplus = source_readdirplus,
	.releasedir = op_releasedir,

	.open = source_open,
	.read = source_read,
	.lseek = source_lseek,
	.release = source_release,
};
