// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A mount has a tree, the socket besides, and perhaps a view: which of these a
 * request means is decided here and nowhere else. What reads is done by either;
 * what changes something is the tree's, and refused elsewhere.
 */
#include "fs/sides.h"

#include "fs/file.h"
#include "fs/ops.h"
#include "fs/socket.h"
#include "fs/source.h"

#include <errno.h>
#include <string.h>

static const struct fuse_lowlevel_ops *side(fuse_ino_t ino)
{
	if (source_has(ino))
		return &source_ops;
	return ino == SOCKET_ID ? &socket_ops : &fs_ops;
}

static bool is_source(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	return fs_of(req)->view && parent == FUSE_ROOT_ID && !strcmp(name, SOURCE_NAME);
}

/* --- either --------------------------------------------------------------------- */

static void side_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (is_source(req, parent, name))
		source_reply_root(req);
	else if (socket_is_named(parent, name))
		socket_look_up(req);
	else
		side(parent)->lookup(req, parent, name);
}

static void side_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	side(ino)->forget(req, ino, lookups);
}

static void side_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++) {
		const fuse_ino_t ino = forgets[i].ino;

		if (source_has(ino))
			view_put(fs_of(req)->view, source_node(req, ino), forgets[i].nlookup);
		else if (ino != SOCKET_ID)
			file_forget(fs_of(req), fs_node(req, ino), forgets[i].nlookup);
	}
	fuse_reply_none(req);
}

static void side_readlink(fuse_req_t req, fuse_ino_t ino)
{
	side(ino)->readlink(req, ino);
}

static void side_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	side(ino)->getattr(req, ino, fi);
}

static void side_statfs(fuse_req_t req, fuse_ino_t ino)
{
	side(ino)->statfs(req, ino);
}

static void side_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	side(ino)->getxattr(req, ino, name, size);
}

static void side_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	side(ino)->listxattr(req, ino, size);
}

static void side_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	side(ino)->opendir(req, ino, fi);
}

static void side_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			 struct fuse_file_info *fi)
{
	side(ino)->readdir(req, ino, size, offset, fi);
}

static void side_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			     struct fuse_file_info *fi)
{
	side(ino)->readdirplus(req, ino, size, offset, fi);
}

static void side_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	side(ino)->releasedir(req, ino, fi);
}

static void side_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	side(ino)->open(req, ino, fi);
}

static void side_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		      struct fuse_file_info *fi)
{
	side(ino)->read(req, ino, size, offset, fi);
}

static void side_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
		       struct fuse_file_info *fi)
{
	side(ino)->lseek(req, ino, offset, whence, fi);
}

static void side_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	side(ino)->release(req, ino, fi);
}

/* --- the tree alone ------------------------------------------------------------- */

/* Whether the name may be made: 0 or -errno. */
static int may_make(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (source_has(parent))
		return -EROFS;
	return is_source(req, parent, name) || socket_is_named(parent, name) ? -EEXIST : 0;
}

/* The view's directory behaves as if something were mounted there. */
static int may_remove(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (source_has(parent))
		return -EROFS;
	if (socket_is_named(parent, name))
		return -EPERM;
	return is_source(req, parent, name) ? -EBUSY : 0;
}

static int may_change(fuse_ino_t ino)
{
	if (source_has(ino))
		return -EROFS;
	return ino == SOCKET_ID ? -EPERM : 0;
}

/* From one side to the other there is no more of a way than between two mounts. */
static int may_cross(fuse_ino_t from, fuse_ino_t to)
{
	return source_has(from) != source_has(to) ? -EXDEV : 0;
}

/* Does @change, unless an @error keeps it from that. */
#define UNLESS(error, change)                        \
	do {                                         \
		const int error_ = (error);          \
		if (error_)                          \
			fs_reply_error(req, error_); \
		else                                 \
			change;                      \
	} while (0)

static void side_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	if (socket_is_named(parent, name) && socket_may_make(req))
		socket_reply(req);
	else
		UNLESS(may_make(req, parent, name), op_mknod(req, parent, name, mode, rdev));
}

static void side_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	UNLESS(may_make(req, parent, name), op_mkdir(req, parent, name, mode));
}

static void side_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	UNLESS(may_make(req, parent, name), op_symlink(req, target, parent, name));
}

static void side_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	UNLESS(may_cross(ino, parent) ?: may_change(ino) ?: may_make(req, parent, name),
	       op_link(req, ino, parent, name));
}

static void side_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			struct fuse_file_info *fi)
{
	UNLESS(may_make(req, parent, name), op_create(req, parent, name, mode, fi));
}

#ifdef DMAHEAPFS_HAVE_PASSTHROUGH /* no older libfuse knows it */
static void side_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi)
{
	UNLESS(may_change(parent), op_tmpfile(req, parent, mode, fi));
}
#endif

static void side_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	UNLESS(may_remove(req, parent, name), op_unlink(req, parent, name));
}

static void side_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	UNLESS(may_remove(req, parent, name), op_rmdir(req, parent, name));
}

static void side_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
			const char *new_name, unsigned flags)
{
	UNLESS(may_cross(parent, new_parent) ?: may_remove(req, parent, name)
			       ?: may_remove(req, new_parent, new_name),
	       op_rename(req, parent, name, new_parent, new_name, flags));
}

static void side_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int which,
			 struct fuse_file_info *fi)
{
	UNLESS(may_change(ino), op_setattr(req, ino, attr, which, fi));
}

static void side_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			  size_t size, int flags)
{
	UNLESS(may_change(ino), op_setxattr(req, ino, name, value, size, flags));
}

static void side_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	UNLESS(may_change(ino), op_removexattr(req, ino, name));
}

static void side_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
		       struct fuse_file_info *fi)
{
	UNLESS(may_change(ino), op_write(req, ino, data, size, offset, fi));
}

static void side_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
			   struct fuse_file_info *fi)
{
	UNLESS(may_change(ino), op_fallocate(req, ino, mode, offset, length, fi));
}

static void side_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t in_offset,
				 struct fuse_file_info *in_fi, fuse_ino_t out, off_t out_offset,
				 struct fuse_file_info *out_fi, size_t size, int flags)
{
	if (source_has(in) && !source_has(out))
		source_copy(req, in, in_offset, out, out_offset, size);
	else
		UNLESS(may_change(out), op_copy_file_range(req, in, in_offset, in_fi, out,
							   out_offset, out_fi, size, flags));
}

static void side_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int command, void *argument,
		       struct fuse_file_info *fi, unsigned int flags, const void *in, size_t in_size,
		       size_t out_size)
{
	UNLESS(side(ino) == &fs_ops ? 0 : -ENOTTY,
	       op_ioctl(req, ino, command, argument, fi, flags, in, in_size, out_size));
}

static void side_init(void *user, struct fuse_conn_info *conn)
{
	fs_ops.init(user, conn);
}

const struct fuse_lowlevel_ops side_ops = {
	.init = side_init,

	.lookup = side_lookup,
	.forget = side_forget,
	.forget_multi = side_forget_multi,
	.mknod = side_mknod,
	.mkdir = side_mkdir,
	.symlink = side_symlink,
	.readlink = side_readlink,
	.link = side_link,
	.unlink = side_unlink,
	.rmdir = side_rmdir,
	.rename = side_rename,

	.getattr = side_getattr,
	.setattr = side_setattr,
	.statfs = side_statfs,

	.opendir = side_opendir,
	.readdir = side_readdir,
	.readdirplus = side_readdirplus,
	.releasedir = side_releasedir,

	.create = side_create,
#ifdef DMAHEAPFS_HAVE_PASSTHROUGH
	.tmpfile = side_tmpfile,
#endif
	.open = side_open,
	.release = side_release,

	.read = side_read,
	.write = side_write,
	.fallocate = side_fallocate,
	.lseek = side_lseek,
	.copy_file_range = side_copy_file_range,

	.ioctl = side_ioctl,

	.getxattr = side_getxattr,
	.listxattr = side_listxattr,
	.setxattr = side_setxattr,
	.removexattr = side_removexattr,
};
