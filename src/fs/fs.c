// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/fs.h"

#include "util/scope.h"

void fs_reply_error(fuse_req_t req, int error)
{
	/* It is not the caller who has too many files open. */
	fuse_reply_err(req, error == -EMFILE ? ENFILE : -error);
}

double fs_attr_timeout(const struct node *node, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return FS_NAME_TIMEOUT;
	/*
	 * Stores into a mapping allocate blocks and move the times without a
	 * word to the kernel's FUSE side; all else it does or sees itself.
	 */
	return node->may_be_mapped ? 0 : 1;
}

int fs_stat(struct fs *fs, struct node *node, struct stat *st)
{
	with_lock(&node->lock);
	scope(fd) int file = node_open(&fs->tree, node, O_PATH);

	if (file < 0)
		return file;
	if (fstat(file, st))
		return -errno;
	if (node->buffer)
		buffer_stat(node->buffer, st);
	return 0;
}

int fs_entry(struct fs *fs, int dirfd, const char *name, struct fuse_entry_param *entry)
{
	struct node *node;

	*entry = (struct fuse_entry_param){.entry_timeout = FS_NAME_TIMEOUT};
	int error = node_look_up(&fs->tree, dirfd, name, &node, &entry->attr);

	if (error)
		return error;
	if (S_ISREG(entry->attr.st_mode)) {
		with_lock(&node->lock);
		if (node->buffer)
			buffer_stat(node->buffer, &entry->attr);
	}
	entry->ino = node->ino;
	entry->attr_timeout = fs_attr_timeout(node, &entry->attr);
	return 0;
}
