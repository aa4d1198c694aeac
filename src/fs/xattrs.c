// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extended attributes are the tree's, but for user.dmaheap.*: texts made when
 * they are asked for. Those are not listed, or `cp -a` would carry them out
 * and fail to bring them back.
 */
#include "fs/xattrs.h"

#include "fs/caller.h"
#include "fs/copied.h"
#include "fs/ops.h"
#include "fs/status.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#define OWN_PREFIX "user.dmaheap."

static bool is_own(const char *name)
{
	return !strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX));
}

/* Kept in the tree, but for this process alone. */
static bool is_hidden(const char *name)
{
	return !strcmp(name, COPIED_ATTRIBUTE);
}

/* A path that names the node's file itself, good while @file is open. */
struct way {
	int file;
	char path[32];
};

static void close_way(struct way *way)
{
	close_fd(way->file);
}

static int open_way(fuse_req_t req, fuse_ino_t ino, struct way *way)
{
	way->file = node_open(&fs_of(req)->tree, fs_node(req, ino), O_PATH | O_NOFOLLOW);
	snprintf(way->path, sizeof(way->path), "/proc/self/fd/%d", way->file);
	return way->file < 0 ? way->file : 0;
}

static void get_own(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	scope(free) char *text = NULL;
	ssize_t length = status_xattr(fs_of(req), fs_node(req, ino), name + strlen(OWN_PREFIX), &text);

	fs_reply_value(req, text, length, size);
}

/* What the kernel and tools ask for of files that have nothing of the kind. */
static bool is_asked_in_vain(const char *name)
{
	return !strncmp(name, "security.", strlen("security.")) ||
	       !strncmp(name, "system.posix_acl_", strlen("system.posix_acl_"));
}

static void note(struct node *node, ssize_t length_of_names)
{
	if (length_of_names >= 0)
		node->xattrs = length_of_names ? XATTRS_SOME : XATTRS_NONE;
}

void xattrs_learn(struct node *node, int file)
{
	with_lock(&node->lock);
	note(node, flistxattr(file, NULL, 0));
}

/* After one was set: who listed before has noted what it saw by then. */
static void forget_note(struct node *node)
{
	with_lock(&node->lock);
	node->xattrs = XATTRS_UNKNOWN;
}

static bool has_none(fuse_req_t req, fuse_ino_t ino)
{
	struct node *node = fs_node(req, ino);
	with_lock(&node->lock);

	if (node->xattrs == XATTRS_UNKNOWN) {
		__attribute__((cleanup(close_way))) struct way way = {.file = -1};

		if (!open_way(req, ino, &way))
			note(node, listxattr(way.path, NULL, 0));
	}
	return node->xattrs == XATTRS_NONE;
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	if (is_own(name)) {
		get_own(req, ino, name, size);
		return;
	}
	if (is_hidden(name) || (is_asked_in_vain(name) && has_none(req, ino))) {
		fs_reply_error(req, -ENODATA);
		return;
	}
	__attribute__((cleanup(close_way))) struct way way = {.file = -1};
	scope(free) char *value = size ? malloc(size) : NULL;
	ssize_t length = size && !value ? -ENOMEM : open_way(req, ino, &way);

	if (!length) {
		length = getxattr(way.path, name, value, size);
		length = length < 0 ? -errno : length;
	}
	fs_reply_value(req, value, length, size);
}

/* All names, allocated into @names; their length, or -errno. */
static ssize_t list_names(const char *path, char **names)
{
	ssize_t size, length;

	do {
		size = listxattr(path, NULL, 0);
		if (size < 0)
			return -errno;
		free(*names);
		*names = malloc(size + 1);
		if (!*names)
			return -ENOMEM;
		length = listxattr(path, *names, size);
	} while (length < 0 && errno == ERANGE);
	return length < 0 ? -errno : length;
}

/* Takes out what is ours, and what the kernel shows to root alone, but showed this process. */
static ssize_t hide_names(char *names, ssize_t length, bool root)
{
	char *kept = names;

	for (const char *name = names, *next; name < names + length; name = next) {
		next = name + strlen(name) + 1;
		if (is_hidden(name) || (!root && !strncmp(name, "trusted.", strlen("trusted."))))
			continue;
		memmove(kept, name, next - name);
		kept += next - name;
	}
	return kept - names;
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	__attribute__((cleanup(close_way))) struct way way = {.file = -1};
	scope(free) char *names = NULL;
	ssize_t length = open_way(req, ino, &way);

	if (!length)
		length = list_names(way.path, &names);
	if (length > 0)
		length = hide_names(names, length, fuse_req_ctx(req)->uid == 0);
	fs_reply_value(req, names, length, size);
}

static bool is_closed(const char *name)
{
	return is_own(name) || is_hidden(name);
}

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
		 int flags)
{
	/* From dmaheapctl, which copies by itself. Who may write the file may say how he did. */
	if (!strcmp(name, OWN_PREFIX "copy")) {
		fs_reply_error(req, copied_accept(fs_of(req), fs_node(req, ino), value, size));
		return;
	}
	__attribute__((cleanup(close_way))) struct way way = {.file = -1};
	int error = is_closed(name) ? -EPERM : open_way(req, ino, &way);

	if (!error && !strcmp(name, "system.posix_acl_access"))
		error = caller_set_acl(req, way.path, name, value, size, flags);
	else if (!error && setxattr(way.path, name, value, size, flags))
		error = -errno;
	forget_note(fs_node(req, ino));
	fs_node(req, ino)->has_no_set_ids = false;
	fs_reply_error(req, error);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	__attribute__((cleanup(close_way))) struct way way = {.file = -1};
	int error = is_closed(name) ? -EPERM : open_way(req, ino, &way);

	if (!error && removexattr(way.path, name))
		error = -errno;
	fs_reply_error(req, error);
}
