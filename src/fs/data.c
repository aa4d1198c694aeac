// SPDX-License-Identifier: GPL-2.0-or-later
/* Data that passes through this process, and what is asked of a file's extents. */
#include "fs/caller.h"
#include "fs/ops.h"
#include "util/scope.h"

/* An open file's node has a buffer until it is released. */
static struct buffer *buffer_of(fuse_req_t req, fuse_ino_t ino)
{
	return fs_node(req, ino)->buffer;
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct counters *counters = &fs_of(req)->counters;
	scope(free) char *data = malloc(size);
	ssize_t count = data ? buffer_read(buffer_of(req, ino), data, size, offset) : -ENOMEM;

	(void)fi;
	if (count < 0) {
		fs_reply_error(req, count);
		return;
	}
	counters->reads++;
	counters->read_bytes += count;
	fuse_reply_buf(req, data, count);
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
	      struct fuse_file_info *fi)
{
	struct counters *counters = &fs_of(req)->counters;
	ssize_t count = buffer_write(buffer_of(req, ino), data, size, offset);

	(void)fi;
	if (count < 0) {
		fs_reply_error(req, count);
		return;
	}
	caller_wrote(req, fs_node(req, ino));
	fs_node(req, ino)->written = WRITTEN_HERE;
	counters->writes++;
	counters->written_bytes += count;
	fuse_reply_write(req, count);
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
		  struct fuse_file_info *fi)
{
	(void)fi;
	/* Without a mode it is a kernel with memory behind the file that tells of its writes. */
	if (!mode && fs_of(req)->kernel.binds)
		fs_node(req, ino)->written = WRITTEN_PAST;
	fs_reply_error(req, buffer_allocate(buffer_of(req, ino), mode, offset, length));
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	off_t position = buffer_seek(buffer_of(req, ino), offset, whence);

	(void)fi;
	if (position < 0)
		fs_reply_error(req, position);
	else
		fuse_reply_lseek(req, position);
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t in_offset, struct fuse_file_info *in_fi,
			fuse_ino_t out, off_t out_offset, struct fuse_file_info *out_fi, size_t size,
			int flags)
{
	struct counters *counters = &fs_of(req)->counters;
	ssize_t count = buffer_copy(buffer_of(req, in), in_offset, buffer_of(req, out), out_offset,
				    size);

	(void)in_fi;
	(void)out_fi;
	(void)flags;
	if (count < 0) {
		fs_reply_error(req, count);
		return;
	}
	fs_node(req, out)->written = COPIED_HERE;
	counters->copies++;
	counters->copied_bytes += count;
	fuse_reply_write(req, count);
}
