// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/fs.h"

#include "share/ticket.h"
#include "share/visitors.h"
#include "util/scope.h"

#include <sys/resource.h>

void fs_reply_error(fuse_req_t req, int error)
{
	/* It is not the caller who has too many files open. */
	fuse_reply_err(req, error == -EMFILE ? ENFILE : -error);
}

void fs_reply_value(fuse_req_t req, const char *value, ssize_t length, size_t size)
{
	if (length < 0)
		fs_reply_error(req, length);
	else if (!size)
		fuse_reply_xattr(req, length);
	else if ((size_t)length > size)
		fs_reply_error(req, -ERANGE);
	else
		fuse_reply_buf(req, value, length);
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

/*
 * What is read and written through this process goes the better the larger
 * the pieces are, and tools ask st_blksize for their size.
 */
#define LARGE_PIECE (1 << 20)

static void show_piece(const struct fs *fs, struct stat *st)
{
	if (S_ISREG(st->st_mode) && !fs->passthrough)
		st->st_blksize = LARGE_PIECE;
}

static int stat_file(int file, struct stat *st)
{
	if (file < 0)
		return file;
	return fstat(file, st) ? -errno : 0;
}

static int stat_in_tree(struct fs *fs, struct node *node, struct stat *st)
{
	if (node->is_dir) {
		scope(dir) struct dir dir = dir_open(&fs->tree, node);

		return stat_file(dir.fd, st);
	}
	scope(fd) int file = node_open(&fs->tree, node, O_PATH);

	return stat_file(file, st);
}

int fs_stat(struct fs *fs, struct node *node, struct stat *st)
{
	with_lock(&node->lock);
	int error = stat_in_tree(fs, node, st);

	if (error)
		return error;
	if (node->buffer)
		buffer_stat(node->buffer, st);
	show_piece(fs, st);
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
	show_piece(fs, &entry->attr);
	entry->ino = node->ino;
	entry->attr_timeout = fs_attr_timeout(node, &entry->attr);
	return 0;
}

/*
 * /dev/fuse, the tree, the heap's device, and what requests hold meanwhile; and
 * what is on its way to programs.
 */
#define OWN_FDS (64 + TICKETS + VISITORS)

uint64_t fs_most_buffers(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur <= OWN_FDS)
		return 0;
	return limit.rlim_cur - OWN_FDS;
}
