// SPDX-License-Identifier: GPL-2.0-or-later
/* Names and attributes of the view. */
#include "fs/source.h"
#include "util/scope.h"

#include <fcntl.h>
#include <limits.h>

/* What the kernel believes of a file, for source_open() to compare. */
static void remember(struct view_node *node, const struct stat *st)
{
	with_lock(&node->lock);
	node->told_size = st->st_size;
	node->told_change = st->st_ctim;
}

struct fuse_entry_param source_entry(struct view_node *node, const struct stat *st)
{
	remember(node, st);
	return (struct fuse_entry_param){
		.ino = node->id,
		.attr = *st,
		.attr_timeout = SOURCE_TIMEOUT,
		.entry_timeout = SOURCE_TIMEOUT,
	};
}

static void reply_entry(fuse_req_t req, int error, struct view_node *node, const struct stat *st)
{
	if (error) {
		fs_reply_error(req, error);
		return;
	}
	const struct fuse_entry_param entry = source_entry(node, st);

	fuse_reply_entry(req, &entry);
}

void source_reply_root(fuse_req_t req)
{
	struct view *view = fs_of(req)->view;
	struct view_node *root = view_find(view, VIEW_ROOT_ID);
	struct stat st;
	int error = view_stat(view, root, &st);

	reply_entry(req, error, root, &st);
}

void source_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct view_node *node = NULL;
	struct stat st;
	int error = view_look_up(fs_of(req)->view, source_node(req, parent), name, &node, &st);

	reply_entry(req, error, node, &st);
}

void source_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	view_put(fs_of(req)->view, source_node(req, ino), lookups);
	fuse_reply_none(req);
}

void source_readlink(fuse_req_t req, fuse_ino_t ino)
{
	scope(fd) int file = view_open(fs_of(req)->view, source_node(req, ino));
	char target[PATH_MAX + 1];
	ssize_t length = file < 0 ? file : readlinkat(file, "", target, PATH_MAX);

	if (length < 0) {
		fs_reply_error(req, file < 0 ? file : -errno);
		return;
	}
	target[length] = '\0';
	fuse_reply_readlink(req, target);
}

void source_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct view_node *node = source_node(req, ino);
	struct stat st;
	int error = view_stat(fs_of(req)->view, node, &st);

	(void)fi;
	if (error) {
		fs_reply_error(req, error);
		return;
	}
	remember(node, &st);
	fuse_reply_attr(req, &st, SOURCE_TIMEOUT);
}

void source_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st;
	int error = view_statfs(fs_of(req)->view, &st);

	(void)ino;
	if (error)
		fs_reply_error(req, error);
	else
		fuse_reply_statfs(req, &st);
}

void source_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	scope(free) char *value = size ? malloc(size) : NULL;
	ssize_t length = -ENOMEM;

	if (value || !size)
		length = view_getxattr(fs_of(req)->view, source_node(req, ino), name, value, size);
	fs_reply_value(req, value, length, size);
}

void source_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	scope(free) char *names = size ? malloc(size) : NULL;
	ssize_t length = -ENOMEM;

	if (names || !size)
		length = view_listxattr(fs_of(req)->view, source_node(req, ino), names, size);
	fs_reply_value(req, names, length, size);
}
