// SPDX-License-Identifier: GPL-2.0-or-later
/* Open files of the tree, and their data as far as it passes through this process. */
#include "fs/file.h"

#include "fdpass/server.h"
#include "fs/creds.h"
#include "fs/ops.h"
#include "state/request.h"
#include "util/scope.h"

#include <fcntl.h>

/* --- open and release -------------------------------------------------------------- */

int open_file_create(fuse_req_t req, struct inode *inode, const struct fuse_file_info *fi,
		     struct open_file **created)
{
	struct open_file *file = malloc(sizeof(*file));

	if (!file)
		return -ENOMEM;
	*file = (struct open_file){.inode = inode, .flags = fi->flags};
	const int error = handle_add(&fs_of(req)->handles, &file->handle, fuse_req_ctx(req)->uid);

	if (error)
		free(file);
	else
		*created = file;
	return error;
}

void open_file_destroy(struct fs *fs, struct open_file *file)
{
	handle_remove(&fs->handles, &file->handle);
	free(file);
}

void open_file_answer(struct open_file *file, struct fuse_file_info *fi)
{
	struct handle_record *record = file->handle.record;

	record->ino = file->inode->node.ino;
	record->flags = file->flags;
	record->mode = file->mode;
	record->parked = file->parked;
	handle_publish(&file->handle);
	fi->fh = record->handle;
}

struct open_file *open_file_restore(struct fs *fs, struct inode *inode,
				    struct handle_record *record)
{
	struct open_file *file = malloc(sizeof(*file));

	if (!file)
		return NULL;
	*file = (struct open_file){
		.inode = inode,
		.mode = (enum open_mode)record->mode,
		.flags = record->flags,
		.parked = record->parked,
	};
	if (!handle_restore(&fs->handles, &file->handle, record))
		return file;
	free(file);
	return NULL;
}

static int truncate_at_open(struct fs *fs, struct inode *inode)
{
	const int error = buffer_truncate(inode->buffer, 0);

	if (!error)
		last_copy_forget(fs, inode);
	return error;
}

static void count_open(struct inode *inode, const struct open_file *file)
{
	guard(mutex)(&inode->lock);
	inode->writers += open_file_writes(file);
	if (open_file_reads(file) && open_file_writes(file))
		inode_kept(inode)->may_be_mapped = true;
}

int file_open(fuse_req_t req, struct inode *inode, int fd, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct open_file *file;
	int error = inode_hold(fs, inode, fd);

	if (error)
		return error;
	last_copy_note(inode);
	error = open_file_create(req, inode, fi, &file);
	if (!error && fi->flags & O_TRUNC) {
		error = truncate_at_open(fs, inode);
		if (error)
			open_file_destroy(fs, file);
	}
	if (error) {
		inode_drop(fs, inode);
		return error;
	}
	count_open(inode, file);
	open_mode_choose(fs, file, fi);
	file->parked = fs->heap->ops->in_tmpfs && file->mode == OPEN_PASSTHROUGH;
	if (file->parked)
		inode_park(fs, inode);
	open_file_answer(file, fi);
	return 0;
}

void op_open(fuse_req_t req, struct inode *inode, struct fuse_file_info *fi)
{
	const int error = inode_answer(req, inode, file_open(req, inode, -1, fi));

	if (error) {
		fs_reply_error(req, error);
		return;
	}
	if (fi->flags & O_TRUNC)
		creds_wrote(req, inode);
	fuse_reply_open(req, fi);
}

static bool was_last_writer(struct inode *inode, const struct open_file *file)
{
	guard(mutex)(&inode->lock);
	return open_file_writes(file) && --inode->writers == 0;
}

void open_file_release(struct fs *fs, struct open_file *file)
{
	struct inode *inode = file->inode;

	handle_forget(&file->handle);
	fd_server_revoke(fs->fd_server, open_file_number(file));
	last_copy_note(inode);
	if (file->mode & OPEN_PASSTHROUGH)
		backing_close(inode->backing);
	/* May copy gigabytes, so without the inode's lock. The buffer stays until the drop. */
	if (was_last_writer(inode, file) && !file->parked)
		buffer_settle(inode->buffer);
	if (file->parked)
		inode_drop_parked(fs, inode);
	else
		inode_drop(fs, inode);
	open_file_destroy(fs, file);
}

/* --- data -------------------------------------------------------------------------- */

struct buffer_use open_file_use(struct fs *fs, struct open_file *file)
{
	struct buffer_use use = {.fs = fs};

	if (!file->parked)
		return use;
	use.error = inode_hold(fs, file->inode, -1);
	use.inode = use.error ? NULL : file->inode;
	return use;
}

void op_read(fuse_req_t req, struct open_file *file, size_t size, off_t offset)
{
	struct counters *counters = fs_of(req)->counters;
	scope(buffer_use) struct buffer_use use = open_file_use(fs_of(req), file);
	scope(free) char *data = malloc(size);
	ssize_t count = data ? use.error : -ENOMEM;

	if (!count)
		count = buffer_read(file->inode->buffer, data, size, offset);
	if (count < 0) {
		fs_reply_error(req, count);
		return;
	}
	counters->reads++;
	counters->read_bytes += count;
	fuse_reply_buf(req, data, count);
}

void op_write(fuse_req_t req, struct open_file *file, const char *data, size_t size, off_t offset)
{
	struct counters *counters = fs_of(req)->counters;
	struct inode *inode = file->inode;
	scope(buffer_use) struct buffer_use use = open_file_use(fs_of(req), file);
	const ssize_t count = use.error ?: buffer_write(inode->buffer, data, size, offset);

	if (count < 0) {
		fs_reply_error(req, count);
		return;
	}
	creds_wrote(req, inode);
	inode_kept(inode)->last_writer = WRITTEN_HERE;
	counters->writes++;
	counters->written_bytes += count;
	fuse_reply_write(req, count);
}

void op_fallocate(fuse_req_t req, struct open_file *file, int mode, off_t offset, off_t length)
{
	struct inode *inode = file->inode;

	/* It may have waited for its turn. */
	if (fuse_req_interrupted(req)) {
		fs_reply_error(req, -EINTR);
		return;
	}
	scope(buffer_use) struct buffer_use use = open_file_use(fs_of(req), file);
	scope(fd) int fd = node_open(&fs_of(req)->tree, &inode->node, O_PATH);
	const struct set_gid set_gid = creds_begin(req, fd);

	/* With mode 0 a kernel that has bound the memory reports its own writes. */
	if (!mode && fs_of(req)->kernel.binds)
		inode_kept(inode)->last_writer = WRITTEN_BY_KERNEL;
	const int error = use.error ?: buffer_allocate(inode->buffer, mode, offset, length);

	creds_end(&set_gid);
	fs_reply_error(req, error);
}

void op_lseek(fuse_req_t req, struct open_file *file, off_t offset, int whence)
{
	scope(buffer_use) struct buffer_use use = open_file_use(fs_of(req), file);
	const off_t position = use.error ?: buffer_seek(file->inode->buffer, offset, whence);

	if (position < 0)
		fs_reply_error(req, position);
	else
		fuse_reply_lseek(req, position);
}

/*
 * A copy that is killed again and again gets on if a replay is short; the caller asks for the
 * rest.
 */
#define REPLAYED_COPY (8 << 20)

void op_copy_file_range(fuse_req_t req, struct open_file *in, off_t in_offset,
			struct open_file *out, off_t out_offset, size_t size)
{
	struct counters *counters = fs_of(req)->counters;

	if (request_is_replay() && size > REPLAYED_COPY)
		size = REPLAYED_COPY;
	if (in->inode->ops == &source_ops) {
		source_copy(req, in->inode, in_offset, out->inode, out_offset, size);
		return;
	}
	scope(buffer_use) struct buffer_use source = open_file_use(fs_of(req), in);
	scope(buffer_use) struct buffer_use target = open_file_use(fs_of(req), out);
	ssize_t count = source.error ?: target.error;

	/* It may have waited for its turn. */
	if (!count && fuse_req_interrupted(req))
		count = -EINTR;
	if (!count)
		count = buffer_copy(in->inode->buffer, in_offset, out->inode->buffer, out_offset,
				    size);
	if (count < 0) {
		fs_reply_error(req, count == -EFBIG ? -EXDEV : count);
		return;
	}
	inode_kept(out->inode)->last_writer = COPIED_HERE;
	counters->copies++;
	counters->copied_bytes += count;
	/* The kernel takes its attributes of the file that was read for current. */
	fuse_lowlevel_notify_inval_inode(fs_of(req)->session, in->inode->node.ino, -1, 0);
	fuse_reply_write(req, count);
}
