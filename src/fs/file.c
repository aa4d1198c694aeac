// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/file.h"

#include "fs/passthrough.h"
#include "util/scope.h"

#include <fcntl.h>

/* On a heap whose memory is the tree's file, a buffer is but an fd of it. */
static bool memory_is_in_tree(const struct fs *fs)
{
	return fs->heap->ops->memory == HEAP_TREE_FILE;
}

static int make_buffer(struct fs *fs, struct node *node, int given)
{
	scope(fd) int file = given;

	if (memory_is_in_tree(fs) && file < 0)
		file = node_open(&fs->tree, node, O_RDWR);
	if (memory_is_in_tree(fs) && file < 0)
		return file;
	int memory = memory_is_in_tree(fs) ? steal_fd(&file) : -1;

	return buffer_create(&node->buffer, fs->heap, &fs->budget, memory);
}

/* A file in use counts as looked up: RELEASE may come after the last FORGET. */
static void use(struct fs *fs, struct node *node)
{
	with_lock(&fs->tree.lock);
	node->opens++;
	node->lookups++;
}

int file_hold(struct fs *fs, struct node *node, int file)
{
	with_lock(&node->lock);
	if (node->buffer) {
		close_fd(file);
	} else {
		int error = make_buffer(fs, node, file);

		if (error)
			return error;
	}
	use(fs, node);
	return 0;
}

/* Takes the buffer that nobody needs any more out of @node; NULL: none. */
static struct buffer *take_idle_buffer(struct fs *fs, struct node *node)
{
	struct buffer *buffer = node->buffer;

	if (node->opens || !memory_is_in_tree(fs))
		return NULL;
	node->buffer = NULL;
	return buffer;
}

void file_drop(struct fs *fs, struct node *node)
{
	struct buffer *idle;
	{
		with_lock(&node->lock);
		node->opens--;
		idle = take_idle_buffer(fs, node);
	}
	buffer_destroy(idle);
	file_forget(fs, node, 1);
}

static bool can_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

int file_open(struct fs *fs, struct node *node, int file, int flags)
{
	int error = file_hold(fs, node, file);

	if (error)
		return error;
	if (flags & O_TRUNC && (error = buffer_truncate(node->buffer, 0))) {
		file_drop(fs, node);
		return error;
	}
	with_lock(&node->lock);
	node->writers += can_write(flags);
	node->may_be_mapped |= (flags & O_ACCMODE) == O_RDWR;
	return 0;
}

void file_close(fuse_req_t req, struct node *node, int flags)
{
	{
		with_lock(&node->lock);
		if (can_write(flags) && --node->writers == 0)
			buffer_settle(node->buffer);
		if (node->opens == 1)
			passthrough_end(req, node);
	}
	file_drop(fs_of(req), node);
}

void file_forget(struct fs *fs, struct node *node, uint64_t lookups)
{
	if (node_forget(&fs->tree, node, lookups))
		file_end(node);
}

void file_end_nameless(struct fs *fs, uint64_t ino)
{
	struct node *node = node_find(&fs->tree, ino);
	struct buffer *over = NULL;

	if (!node)
		return;
	{
		with_lock(&node->lock);
		if (!node->opens) {
			over = node->buffer;
			node->buffer = NULL;
		}
	}
	buffer_destroy(over);
}

void file_end(struct node *node)
{
	buffer_destroy(node->buffer);
	node_destroy(node);
}
