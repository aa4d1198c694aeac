// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Request dispatch: resolves the inode that a request names, and calls the operation of its
 * kind. There are three kinds: files and directories of the tree, those of .source, and the
 * socket. An operation that a kind lacks fails with the kind's error.
 *
 * Requests on an open file carry its handle, so no table is searched for them.
 */
#include "fs/dispatch.h"

#include "fdpass/protocol.h"
#include "fs/export.h"
#include "fs/loop.h"
#include "fs/ops.h"
#include "fs/saved.h"
#include "fs/source_ops.h"
#include "state/request.h"
#include "util/compat.h"
#include "util/fd_path.h"
#include "util/log.h"
#include "util/math.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* --- init ---------------------------------------------------------------------------- */

/* Access lists need a tree that can store them. */
static bool tree_has_acls(const struct tree *tree)
{
	return getxattr(fd_path(tree->mount).text, "system.posix_acl_access", NULL, 0) >= 0 ||
	       errno == ENODATA;
}

static void dispatch_init(void *user, struct fuse_conn_info *conn)
{
	struct fs *fs = user;
	/* A lookup that hangs in the source must not block its directory. */
	uint32_t want = FUSE_CAP_DONT_MASK | FUSE_CAP_PARALLEL_DIROPS;

	if (tree_has_acls(&fs->tree))
		want |= FUSE_CAP_POSIX_ACL;
#ifdef FUSE_CAP_HANDLE_KILLPRIV_V2 /* since libfuse 3.17 */
	/* The tree's kernel clears set-id bits itself if it sees the data. */
	if (fs->heap->ops->in_tmpfs)
		want |= FUSE_CAP_HANDLE_KILLPRIV_V2;
#endif
#ifdef FUSE_CAP_NO_EXPORT_SUPPORT /* since libfuse 3.17 */
	/* Handles would be stale as soon as the kernel forgets the inode. */
	want |= FUSE_CAP_NO_EXPORT_SUPPORT;
#endif
	conn->want |= want & conn->capable;
	conn->max_write = (unsigned)min_u64(conn->max_write, LOOP_MAX_WRITE);
	if (fs->source)
		source_show_acls(fs->source, conn->want & FUSE_CAP_POSIX_ACL);
	open_mode_negotiate(fs, conn);
	/* Where data passes this process, requests are large. */
	fs->request_bytes = fs->passthrough ? LOOP_SMALL_BYTES : LOOP_BUFFER_BYTES;
}

/* --- checks before an operation; 0 or -errno ------------------------------------------ */

static int may_call(const struct inode *inode, bool has_op)
{
	if (!inode)
		return -ESTALE;
	return has_op ? 0 : inode->ops->refusal;
}

static bool is_source(fuse_req_t req, const struct inode *parent, const char *name)
{
	return fs_of(req)->source && parent->node.ino == FUSE_ROOT_ID && !strcmp(name, SOURCE_NAME);
}

/* Every directory of the tree has the socket. */
static bool is_socket(const struct inode *parent, const char *name)
{
	return parent->ops == &tree_ops && !strcmp(name, FDPASS_SOCKET);
}

/* .source and the socket have names that are not in the tree. */
static int may_create(fuse_req_t req, const struct inode *parent, const char *name)
{
	return is_source(req, parent, name) || is_socket(parent, name) ? -EEXIST : 0;
}

/* .source behaves like a mountpoint. */
static int may_remove(fuse_req_t req, const struct inode *parent, const char *name)
{
	if (is_socket(parent, name))
		return -EPERM;
	return is_source(req, parent, name) ? -EBUSY : 0;
}

/* Links and renames between the tree and .source fail, as between two mounts. */
static int may_cross(const struct inode *a, const struct inode *b)
{
	const bool crosses = (a->ops == &source_ops) != (b->ops == &source_ops);

	return crosses ? -EXDEV : 0;
}

/* --- one inode ------------------------------------------------------------------------ */

/* Calls operation @op of @inode with the request and the inode, then the arguments given. */
#define CALL(op, inode, check, ...)                                                         \
	do {                                                                                \
		const int error_ = may_call(inode, (inode) && (inode)->ops->op) ?: (check); \
		if (error_)                                                                 \
			fs_reply_error(req, error_);                                        \
		else                                                                        \
			(inode)->ops->op(req, inode, ##__VA_ARGS__);                        \
	} while (0)

/* Defines dispatch_@op(), for a request with @parameters that names one inode. */
#define DISPATCH(op, check, parameters, ...)                       \
	static void dispatch_##op parameters                       \
	{                                                          \
		struct inode *inode = inode_find(fs_of(req), ino); \
                                                                   \
		CALL(op, inode, check, ##__VA_ARGS__);             \
	}

#define REQUEST	    fuse_req_t req, fuse_ino_t ino
#define UNUSED_FILE struct fuse_file_info *fi __attribute__((unused))

/* clang-format off */
DISPATCH(readlink, 0, (REQUEST))
DISPATCH(setattr, 0, (REQUEST, struct stat *attr, int which, UNUSED_FILE), attr, which)
DISPATCH(statfs, 0, (REQUEST))
DISPATCH(getattr, 0, (REQUEST, UNUSED_FILE))

DISPATCH(mkdir, may_create(req, inode, name), (REQUEST, const char *name, mode_t mode), name, mode)
DISPATCH(create, may_create(req, inode, name),
	 (REQUEST, const char *name, mode_t mode, struct fuse_file_info *fi), name, mode, fi)
#ifdef DMAHEAPFS_HAVE_PASSTHROUGH /* older versions of libfuse lack it */
DISPATCH(tmpfile, 0, (REQUEST, mode_t mode, struct fuse_file_info *fi), mode, fi)
#endif
DISPATCH(unlink, may_remove(req, inode, name), (REQUEST, const char *name), name)
DISPATCH(rmdir, may_remove(req, inode, name), (REQUEST, const char *name), name)

DISPATCH(open, 0, (REQUEST, struct fuse_file_info *fi), fi)
DISPATCH(opendir, 0, (REQUEST, struct fuse_file_info *fi), fi)
DISPATCH(readdir, 0, (REQUEST, size_t size, off_t offset, struct fuse_file_info *fi),
	 size, offset, fi)
DISPATCH(readdirplus, 0, (REQUEST, size_t size, off_t offset, struct fuse_file_info *fi),
	 size, offset, fi)

DISPATCH(getxattr, 0, (REQUEST, const char *name, size_t size), name, size)
DISPATCH(listxattr, 0, (REQUEST, size_t size), size)
DISPATCH(setxattr, 0, (REQUEST, const char *name, const char *value, size_t size, int flags),
	 name, value, size, flags)
DISPATCH(removexattr, 0, (REQUEST, const char *name), name)
/* clang-format on */

/* --- an open file --------------------------------------------------------------------- */

/* Defines dispatch_@op(), for a request on an open file. */
#define DISPATCH_FILE(op, parameters, ...)                                 \
	static void dispatch_##op parameters                               \
	{                                                                  \
		struct open_file *file = open_file_of(fs_of(req), fi->fh); \
		const struct inode_ops *ops = file->inode->ops;            \
                                                                           \
		(void)ino;                                                 \
		if (ops->op)                                               \
			ops->op(req, file, ##__VA_ARGS__);                 \
		else                                                       \
			fs_reply_error(req, ops->refusal);                 \
	}

/* clang-format off */
DISPATCH_FILE(read, (REQUEST, size_t size, off_t offset, struct fuse_file_info *fi), size, offset)
DISPATCH_FILE(write, (REQUEST, const char *data, size_t size, off_t offset,
		      struct fuse_file_info *fi), data, size, offset)
DISPATCH_FILE(fallocate, (REQUEST, int mode, off_t offset, off_t length,
			  struct fuse_file_info *fi), mode, offset, length)
DISPATCH_FILE(lseek, (REQUEST, off_t offset, int whence, struct fuse_file_info *fi),
	      offset, whence)
/* clang-format on */

static void dispatch_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int command, void *argument,
			   struct fuse_file_info *fi, unsigned int flags, const void *in,
			   size_t in_size, size_t out_size)
{
	/* An open directory has another kind of handle. */
	struct open_file *file = flags & FUSE_IOCTL_DIR ? NULL : open_file_of(fs_of(req), fi->fh);

	(void)ino;
	(void)argument;
	(void)in_size;
	(void)out_size;
	if (file && file->inode->ops->ioctl)
		file->inode->ops->ioctl(req, file, command, in);
	else
		fs_reply_error(req, -ENOTTY);
}

static void dispatch_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t in_offset,
				     struct fuse_file_info *in, fuse_ino_t ino_out,
				     off_t out_offset, struct fuse_file_info *out, size_t size,
				     int flags)
{
	struct fs *fs = fs_of(req);
	struct open_file *to = open_file_of(fs, out->fh);
	const struct inode_ops *ops = to->inode->ops;

	(void)ino_in;
	(void)ino_out;
	(void)flags;
	if (ops->copy_file_range)
		ops->copy_file_range(req, open_file_of(fs, in->fh), in_offset, to, out_offset,
				     size);
	else
		fs_reply_error(req, ops->refusal);
}

/* --- names that are not in the tree, and several inodes -------------------------------- */

static void dispatch_lookup(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct inode *parent = inode_find(fs_of(req), ino);

	if (parent && is_source(req, parent, name))
		source_look_up_root(req);
	else if (parent && is_socket(parent, name))
		export_look_up_socket(req);
	else
		CALL(lookup, parent, 0, name);
}

static void dispatch_mknod(fuse_req_t req, fuse_ino_t ino, const char *name, mode_t mode,
			   dev_t rdev)
{
	struct inode *parent = inode_find(fs_of(req), ino);

	if (!parent || !is_socket(parent, name) || !export_make_socket(req))
		CALL(mknod, parent, may_create(req, parent, name), name, mode, rdev);
}

static void dispatch_symlink(fuse_req_t req, const char *target, fuse_ino_t ino, const char *name)
{
	struct inode *parent = inode_find(fs_of(req), ino);

	CALL(symlink, parent, may_create(req, parent, name), name, target);
}

static void dispatch_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent_ino, const char *name)
{
	struct inode *inode = inode_find(fs_of(req), ino);
	struct inode *parent = inode_find(fs_of(req), parent_ino);
	const int error = !inode || !parent ? -ESTALE : may_cross(inode, parent);

	if (error)
		fs_reply_error(req, error);
	else
		CALL(link, inode, may_create(req, parent, name), parent, name);
}

static void dispatch_rename(fuse_req_t req, fuse_ino_t ino, const char *name,
			    fuse_ino_t new_parent_ino, const char *new_name, unsigned flags)
{
	struct inode *parent = inode_find(fs_of(req), ino);
	struct inode *new_parent = inode_find(fs_of(req), new_parent_ino);
	const int error = !parent || !new_parent ? -ESTALE : may_cross(parent, new_parent);

	if (error)
		fs_reply_error(req, error);
	else
		CALL(rename, parent,
		     may_remove(req, parent, name) ?: may_remove(req, new_parent, new_name), name,
		     new_parent, new_name, flags);
}

/* --- close(2) of a file that was written: is this process still alive? ------------------ */

static void dispatch_flush(fuse_req_t req, fuse_ino_t ino, UNUSED_FILE)
{
	(void)ino;
	fuse_reply_err(req, 0);
}

/* --- what the kernel gives back --------------------------------------------------------- */

static void forget(struct fs *fs, uint64_t ino, uint64_t lookups)
{
	struct inode *inode = inode_find(fs, ino);

	if (inode)
		inode->ops->forget(fs, inode, lookups);
}

/*
 * Notes the entry in progress and the counters changed before it, so that a replay begins
 * with the first entry that was not forgotten.
 */
static void forget_all(struct fs *fs, const struct fuse_forget_one *entries, uint32_t count)
{
	const uint64_t *notes = request_notes();
	const bool was_done = request_steps() > notes[1];

	for (uint32_t i = (uint32_t)notes[0] + was_done; i < count; i++) {
		request_note(i, request_steps());
		forget(fs, entries[i].nodeid, entries[i].nlookup);
	}
}

/* A failure means that the mount is gone. */
static void reply_done(struct fs *fs, uint64_t unique)
{
	const struct fuse_out_header done = {.len = sizeof(done), .unique = unique};

	(void)!write(fuse_session_fd(fs->session), &done, sizeof(done));
}

static void release(struct fs *fs, const struct fuse_release_in *in)
{
	struct open_file *file = open_file_of(fs, in->fh);

	/* A replay may come after the release. */
	if (file)
		file->inode->ops->release(fs, file);
}

/*
 * Handles a request by which the kernel gives something back: a closed file, a forgotten
 * inode. libfuse allocates memory for each request, and if that fails, what was to be given
 * back would be lost. Returns false if @request is of another kind.
 */
static bool give_back(struct fs *fs, const void *request)
{
	const struct fuse_in_header *header = request;
	const void *body = header + 1;
	const struct fuse_batch_forget_in *batch;
	struct fuse_forget_one one;

	switch (header->opcode) {
	case FUSE_FORGET:
		one.nodeid = header->nodeid;
		one.nlookup = ((const struct fuse_forget_in *)body)->nlookup;
		forget_all(fs, &one, 1);
		return true;
	case FUSE_BATCH_FORGET:
		batch = body;
		forget_all(fs, (const struct fuse_forget_one *)(batch + 1), batch->count);
		return true;
	case FUSE_RELEASE:
		release(fs, body);
		break;
	case FUSE_RELEASEDIR:
		dir_release(fs, ((const struct fuse_release_in *)body)->fh);
		break;
	default:
		return false;
	}
	reply_done(fs, header->unique);
	return true;
}

/* --- a request ------------------------------------------------------------------------- */

static void process(struct fs *fs, void *request)
{
	const struct fuse_buf buffer = {
		.mem = request,
		.size = ((const struct fuse_in_header *)request)->len,
	};

	fuse_session_process_buf(fs->session, &buffer);
}

/* The kernel sends an interrupt once, and an earlier process has got it. */
static void interrupt_again(struct fs *fs, uint64_t unique)
{
	struct {
		struct fuse_in_header header;
		struct fuse_interrupt_in in;
	} interrupt = {
		.header = {.len = sizeof(interrupt),
			   .opcode = FUSE_INTERRUPT,
			   .unique = unique | 1},
		.in = {.unique = unique},
	};

	process(fs, &interrupt);
}

static void record_init(struct fs *fs, const struct fuse_in_header *header)
{
	struct saved_head *head = fs->saved->head;

	if (header->opcode != FUSE_INIT || header->len > sizeof(head->init))
		return;
	memcpy(head->init, header, header->len);
	head->init_size = header->len;
}

void dispatch_init_again(struct fs *fs)
{
	if (fs->saved->head->init_size)
		process(fs, fs->saved->head->init);
}

/* Serving a request again that crashes each process would stop the mount. */
#define FAULTS_MOST 3

static void refuse(struct fs *fs, const struct fuse_in_header *header)
{
	const struct fuse_out_header error = {
		.len = sizeof(error),
		.error = -EIO,
		.unique = header->unique,
	};

	log_error("request %u of process %u, for inode %" PRIu64 ", has crashed the serving "
		  "process %u times and gets EIO",
		  header->opcode, header->pid, header->nodeid, FAULTS_MOST);
	(void)!write(fuse_session_fd(fs->session), &error, sizeof(error));
	fs->saved->head->supervised.answered++;
}

void dispatch_request(struct fs *fs, struct request *request)
{
	struct fuse_in_header *header = request_buffer(request);

	if (request->faults >= FAULTS_MOST) {
		refuse(fs, header);
		return;
	}
	request_enter(&fs->saved->requests, request);
	fs->counters->requests[header->opcode < OPCODES ? header->opcode : 0]++;
	record_init(fs, header);
	if (header->opcode == FUSE_INTERRUPT)
		request_interrupt(&fs->saved->requests,
				  ((const struct fuse_interrupt_in *)(header + 1))->unique);
	else if (fs->saved->head->supervised.starts > 1 &&
		 request_is_interrupted(&fs->saved->requests, header->unique))
		interrupt_again(fs, header->unique);
	if (!give_back(fs, header))
		process(fs, header);
	fs->saved->head->supervised.answered++;
	request_enter(NULL, NULL);
}

static bool is_of_names(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_CREATE:
	case COMPAT_TMPFILE:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
		return true;
	default:
		return false;
	}
}

void dispatch_left_names(struct fs *fs)
{
	for (unsigned i = 0; i < *fs->saved->requests.used; i++) {
		struct request *request = request_slot(&fs->saved->requests, i);
		const struct fuse_in_header *header = request_buffer(request);

		if (!request_size(request) || !is_of_names(header->opcode))
			continue;
		dispatch_request(fs, request);
		request_clear(request);
	}
}

/* --- tables ---------------------------------------------------------------------------- */

const struct inode_ops tree_ops = {
	.refusal = -ENOSYS,
	.lookup = op_lookup,
	.forget = inode_forget,
	.readlink = op_readlink,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.statfs = op_statfs,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.symlink = op_symlink,
	.create = op_create,
	.tmpfile = op_tmpfile,
	.link = op_link,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.rename = op_rename,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.setxattr = op_setxattr,
	.removexattr = op_removexattr,
	.open = op_open,
	.release = open_file_release,
	.read = op_read,
	.write = op_write,
	.fallocate = op_fallocate,
	.lseek = op_lseek,
	.copy_file_range = op_copy_file_range,
	.ioctl = op_ioctl,
};

/*
 * Operations that are not here have better answers elsewhere: dispatch_give_back() has some,
 * there is nothing to sync, and the kernel checks permissions (default_permissions) and keeps
 * locks itself.
 */
const struct fuse_lowlevel_ops dispatch_ops = {
	.init = dispatch_init,
	.lookup = dispatch_lookup,
	.readlink = dispatch_readlink,
	.getattr = dispatch_getattr,
	.setattr = dispatch_setattr,
	.statfs = dispatch_statfs,
	.mknod = dispatch_mknod,
	.mkdir = dispatch_mkdir,
	.symlink = dispatch_symlink,
	.create = dispatch_create,
#ifdef DMAHEAPFS_HAVE_PASSTHROUGH
	.tmpfile = dispatch_tmpfile,
#endif
	.link = dispatch_link,
	.unlink = dispatch_unlink,
	.rmdir = dispatch_rmdir,
	.rename = dispatch_rename,
	.opendir = dispatch_opendir,
	.readdir = dispatch_readdir,
	.readdirplus = dispatch_readdirplus,
	.getxattr = dispatch_getxattr,
	.listxattr = dispatch_listxattr,
	.setxattr = dispatch_setxattr,
	.removexattr = dispatch_removexattr,
	.open = dispatch_open,
	.flush = dispatch_flush,
	.read = dispatch_read,
	.write = dispatch_write,
	.fallocate = dispatch_fallocate,
	.lseek = dispatch_lseek,
	.copy_file_range = dispatch_copy_file_range,
	.ioctl = dispatch_ioctl,
};
