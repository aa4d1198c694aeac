// SPDX-License-Identifier: GPL-2.0-or-later
/* Names, attributes and open files of .source. */
#include "fs/ops.h"
#include "fs/source_ops.h"
#include "util/scope.h"

#include <fcntl.h>
#include <string.h>

/*
 * Other processes change the source without notice, so the kernel may cache attributes and
 * names only for a moment: long enough for the questions of one system call, and too short
 * for a script to notice.
 */
#define SOURCE_TIMEOUT 0.01

/* --- names and attributes ----------------------------------------------------------- */

/* Remembers the attributes that the kernel is told, for is_as_told(). */
static void note_told(struct inode *inode, const struct stat *st)
{
	guard(mutex)(&inode->lock);
	inode->told_size = st->st_size;
	inode->told_change = st->st_ctim;
}

struct fuse_entry_param source_entry(struct inode *inode, const struct stat *st)
{
	note_told(inode, st);
	return (struct fuse_entry_param){
		.ino = inode->source.id,
		.attr = *st,
		.attr_timeout = SOURCE_TIMEOUT,
		.entry_timeout = SOURCE_TIMEOUT,
	};
}

static void reply_entry(fuse_req_t req, int error, struct source_node *node, const struct stat *st)
{
	struct fuse_entry_param entry;

	if (!error)
		entry = source_entry((struct inode *)node, st);
	fs_reply_entry(req, error, &entry);
}

/* An fd for anything but data: O_PATH, or the open file, which may have no name any more. */
static int open_inode(struct fs *fs, struct inode *inode)
{
	{
		guard(mutex)(&inode->lock);
		if (inode->file >= 0) {
			const int fd = fcntl(inode->file, F_DUPFD_CLOEXEC, 0);

			return fd < 0 ? -errno : fd;
		}
	}
	return source_open(fs->source, &inode->source);
}

int source_stat_inode(struct fs *fs, struct inode *inode, struct stat *st)
{
	scope(fd) int fd = open_inode(fs, inode);

	return fd < 0 ? fd : source_stat(fs->source, fd, st);
}

void source_look_up_root(fuse_req_t req)
{
	struct source_node *root = source_find(fs_of(req)->source, SOURCE_ROOT_ID);
	struct stat st;
	const int error = source_stat_inode(fs_of(req), (struct inode *)root, &st);

	reply_entry(req, error, root, &st);
}

static void source_op_lookup(fuse_req_t req, struct inode *parent, const char *name)
{
	struct source_node *node = NULL;
	struct stat st;
	const int error = source_look_up(fs_of(req)->source, &parent->source, name, &node, &st);

	reply_entry(req, error, node, &st);
}

static void source_op_forget(struct fs *fs, struct inode *inode, uint64_t lookups)
{
	source_forget(fs->source, &inode->source, lookups);
}

static void source_op_readlink(fuse_req_t req, struct inode *inode)
{
	scope(fd) int file = open_inode(fs_of(req), inode);

	fs_reply_link(req, file);
}

static void source_op_getattr(fuse_req_t req, struct inode *inode)
{
	struct stat st;
	const int error = source_stat_inode(fs_of(req), inode, &st);

	if (error) {
		fs_reply_error(req, error);
		return;
	}
	note_told(inode, &st);
	fuse_reply_attr(req, &st, SOURCE_TIMEOUT);
}

static void source_op_statfs(fuse_req_t req, struct inode *inode)
{
	struct statvfs st;
	const int error = source_statfs(fs_of(req)->source, &st);

	(void)inode;
	if (error)
		fs_reply_error(req, error);
	else
		fuse_reply_statfs(req, &st);
}

static void source_op_getxattr(fuse_req_t req, struct inode *inode, const char *name, size_t size)
{
	scope(fd) int fd = open_inode(fs_of(req), inode);
	scope(free) char *value = size ? malloc(size) : NULL;
	ssize_t length = fd < 0 ? fd : -ENOMEM;

	if (fd >= 0 && (value || !size))
		length = source_getxattr(fs_of(req)->source, fd, name, value, size);
	fs_reply_value(req, value, length, size);
}

static void source_op_listxattr(fuse_req_t req, struct inode *inode, size_t size)
{
	scope(fd) int fd = open_inode(fs_of(req), inode);
	scope(free) char *names = size ? malloc(size) : NULL;
	ssize_t length = fd < 0 ? fd : -ENOMEM;

	if (fd >= 0 && (names || !size))
		length = source_listxattr(fs_of(req)->source, fd, names, size);
	fs_reply_value(req, names, length, size);
}

/* --- open files ---------------------------------------------------------------------- */

int source_hold(struct fs *fs, struct inode *inode)
{
	guard(mutex)(&inode->lock);
	if (!inode->opens) {
		const int file = source_open_file(fs->source, &inode->source);

		if (file < 0)
			return file;
		inode->file = file;
		inode_kept(inode)->file = file + 1;
	}
	inode->opens++;
	source_get(fs->source, &inode->source);
	return 0;
}

void source_drop(struct fs *fs, struct inode *inode)
{
	{
		guard(mutex)(&inode->lock);
		if (!--inode->opens) {
			backing_destroy(inode->backing);
			inode->backing = NULL;
			inode->cached = false;
			inode_kept(inode)->file = 0;
			close_fd(inode->file);
			inode->file = -1;
		}
	}
	source_put(fs->source, &inode->source);
}

/*
 * Passthrough if the kernel can do it, else the page cache, so that mmap(2) works either
 * way. The kernel takes no mixture: the first open decides until the last is closed.
 * inode->lock is held.
 */
static enum open_mode choose(struct fs *fs, struct inode *inode, struct fuse_file_info *fi)
{
	int id = -ENOTSUP;
	bool bound;

	if (fs->passthrough)
		inode_need_backing(fs, inode);
	/* The kernel refuses files of a stacked filesystem itself. */
	if (inode->backing && !inode->cached)
		id = backing_open(inode->backing, inode->file, -1, &bound);
	inode->cached = id < 0;
	if (inode->cached)
		return OPEN_CACHED;
	open_mode_set_backing(fi, id);
	return OPEN_PASSTHROUGH;
}

static void set_mode(struct fs *fs, struct open_file *file, struct fuse_file_info *fi)
{
	struct inode *inode = file->inode;

	guard(mutex)(&inode->lock);
	file->mode = choose(fs, inode, fi);
	if (file->mode == OPEN_PASSTHROUGH)
		fs->counters->opens_passthrough++;
	else
		fs->counters->opens_cached++;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_as_told(struct inode *inode)
{
	struct stat st;

	guard(mutex)(&inode->lock);
	return !fstat(inode->file, &st) && st.st_size == inode->told_size &&
	       same_time(st.st_ctim, inode->told_change);
}

static void source_op_open(fuse_req_t req, struct inode *inode, struct fuse_file_info *fi)
{
	const bool reads = (fi->flags & O_ACCMODE) == O_RDONLY && !(fi->flags & O_TRUNC);
	struct fs *fs = fs_of(req);
	struct open_file *file;
	int error = reads ? source_hold(fs, inode) : -EROFS;

	if (error) {
		fs_reply_error(req, error);
		return;
	}
	error = open_file_create(req, inode, fi, &file);
	if (error) {
		source_drop(fs, inode);
		fs_reply_error(req, error);
		return;
	}
	/* An open must show the current content, so the kernel has to ask for the size again. */
	if (!is_as_told(inode))
		fuse_lowlevel_notify_inval_inode(fs->session, inode->source.id, -1, 0);
	set_mode(fs, file, fi);
	open_file_answer(file, fi);
	fuse_reply_open(req, fi);
}

static void source_release(struct fs *fs, struct open_file *file)
{
	struct inode *inode = file->inode;

	handle_forget(&file->handle);
	if (file->mode == OPEN_PASSTHROUGH) {
		guard(mutex)(&inode->lock);
		backing_close(inode->backing);
	}
	open_file_destroy(fs, file);
	source_drop(fs, inode);
}

static void source_op_read(fuse_req_t req, struct open_file *file, size_t size, off_t offset)
{
	struct counters *counters = fs_of(req)->counters;
	scope(free) char *data = malloc(size);
	const ssize_t count = data ? pread(file->inode->file, data, size, offset) : -1;

	if (count < 0) {
		fs_reply_error(req, -errno);
		return;
	}
	counters->reads++;
	counters->read_bytes += count;
	fuse_reply_buf(req, data, count);
}

static void source_op_lseek(fuse_req_t req, struct open_file *file, off_t offset, int whence)
{
	const off_t position = lseek(file->inode->file, offset, whence);

	if (position < 0)
		fs_reply_error(req, -errno);
	else
		fuse_reply_lseek(req, position);
}

const struct inode_ops source_ops = {
	.refusal = -EROFS,
	.lookup = source_op_lookup,
	.forget = source_op_forget,
	.readlink = source_op_readlink,
	.getattr = source_op_getattr,
	.statfs = source_op_statfs,
	.getxattr = source_op_getxattr,
	.listxattr = source_op_listxattr,
	.opendir = source_op_opendir,
	.readdir = source_op_readdir,
	.readdirplus = source_op_readdirplus,
	.open = source_op_open,
	.read = source_op_read,
	.lseek = source_op_lseek,
	.release = source_release,
};
