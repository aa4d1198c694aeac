// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/resize.h"

#include "fs/ops.h"
#include "fs/saved.h"
#include "util/log.h"
#include "util/math.h"
#include "util/number.h"
#include "util/private_tmpfs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static int may_resize(fuse_req_t req, const struct inode *inode)
{
	const uid_t user = fuse_req_ctx(req)->uid;

	return inode->node.ino == FUSE_ROOT_ID && (user == 0 || user == geteuid()) ? 0 : -EPERM;
}

static int parse(const char *text, size_t length, uint64_t *bytes)
{
	char copy[32];

	if (length >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (parse_size(copy, bytes))
		return -EINVAL;
	*bytes = page_round_up(*bytes);
	return 0;
}

/* The kernel refuses what is in use of each tmpfs: that of the names, and of memory files. */
static int resize_tmpfs(struct fs *fs, uint64_t bytes)
{
	int error = private_tmpfs_resize(fs->tree.mount, bytes);

	if (error)
		return error;
	error = quota_resize(&fs->quota, fs->heap, bytes);
	if (error)
		private_tmpfs_resize(fs->tree.mount, fs->quota.limit);
	else
		fs->saved->head->limit = bytes;
	return error;
}

static int resize(struct fs *fs, uint64_t bytes)
{
	/* Memory that has been released meanwhile does not count. */
	quota_poll_orphans(&fs->quota);
	if (fs->quota.used > bytes)
		return -EBUSY;
	return resize_tmpfs(fs, bytes);
}

void op_resize(fuse_req_t req, struct inode *inode, const char *text, size_t length)
{
	struct fs *fs = fs_of(req);
	uint64_t bytes;
	const int error = may_resize(req, inode) ?: parse(text, length, &bytes) ?: resize(fs, bytes);

	if (!error)
		log_info("the size is %" PRIu64 " bytes now", bytes);
	fs_reply_error(req, error);
}
