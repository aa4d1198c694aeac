// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of the view, open to be read. */
#include "fs/passthrough.h"
#include "fs/source.h"
#include "util/scope.h"

#include <fcntl.h>

/*
 * Past this process where the kernel can, else through the page cache, so that
 * mapping works in either case. It takes no mixture: the first open decides
 * until the last one is closed. node->lock is held.
 */
static enum open_mode decide(struct fs *fs, struct view_node *node, struct fuse_file_info *fi)
{
	int id = -ENOTSUP;

	if (fs->passthrough && !node->backing)
		node->backing = backing_create(&fs->source_kernel, node->id);
	/* The kernel refuses what lies on a stacked filesystem itself. */
	if (node->backing && !node->cached)
		id = backing_open(node->backing, node->file);
	node->cached = id < 0;
	if (node->cached)
		return OPEN_CACHED;
	passthrough_set(fi, id);
	return OPEN_PASSTHROUGH;
}

static void choose(fuse_req_t req, struct view_node *node, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);

	with_lock(&node->lock);
	fi->fh = decide(fs, node, fi);
	if (fi->fh == OPEN_PASSTHROUGH)
		fs->counters.opens_passthrough++;
	else
		fs->counters.opens_cached++;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_as_told(struct view_node *node)
{
	struct stat st;

	with_lock(&node->lock);
	return !fstat(node->file, &st) && st.st_size == node->told_size &&
	       same_time(st.st_ctim, node->told_change);
}

void source_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct view_node *node = source_node(req, ino);
	int error = -EROFS;

	if ((fi->flags & O_ACCMODE) == O_RDONLY && !(fi->flags & O_TRUNC))
		error = view_hold(fs->view, node);
	if (error) {
		fs_reply_error(req, error);
		return;
	}
	/* Who opens a file sees what is in it now: the kernel asks for the size again. */
	if (!is_as_told(node))
		fuse_lowlevel_notify_inval_inode(fs->session, ino, -1, 0);
	choose(req, node, fi);
	fuse_reply_open(req, fi);
}

/* An open file's node has its file open until it is released. */
static int file_of(fuse_req_t req, fuse_ino_t ino)
{
	return source_node(req, ino)->file;
}

void source_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		 struct fuse_file_info *fi)
{
	struct counters *counters = &fs_of(req)->counters;
	scope(free) char *data = malloc(size);
	ssize_t count = data ? pread(file_of(req, ino), data, size, offset) : -1;

	(void)fi;
	if (count < 0) {
		fs_reply_error(req, -errno);
		return;
	}
	counters->reads++;
	counters->read_bytes += count;
	fuse_reply_buf(req, data, count);
}

void source_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
		  struct fuse_file_info *fi)
{
	off_t position = lseek(file_of(req, ino), offset, whence);

	(void)fi;
	if (position < 0)
		fs_reply_error(req, -errno);
	else
		fuse_reply_lseek(req, position);
}

void source_end(struct view_node *node)
{
	backing_destroy(node->backing);
	node->backing = NULL;
	node->cached = false;
}

void source_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct view_node *node = source_node(req, ino);

	if (fi->fh == OPEN_PASSTHROUGH) {
		with_lock(&node->lock);
		backing_close(node->backing);
	}
	view_drop(fs_of(req)->view, node, source_end);
	fuse_reply_err(req, 0);
}
