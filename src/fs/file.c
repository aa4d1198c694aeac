// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/file.h"

#include "fs/copied.h"
#include "fs/passthrough.h"
#include "util/scope.h"

#include <fcntl.h>

/* On a heap whose memory is the tree's file, a buffer is but an fd of it. */
static bool memory_is_in_tree(const struct fs *fs)
{
	return fs->heap->ops->memory == HEAP_TREE_FILE;
}

/* What a node has of memory, on its way out. */
struct memory {
	struct buffer *buffer;
	struct backing *backing;
};

/* node->lock is held. */
static struct memory take_memory(struct node *node)
{
	const struct memory taken = {node->buffer, node->backing};

	node->buffer = NULL;
	node->backing = NULL;
	return taken;
}

/* Takes tenths of a second a GiB: without locks. */
static void end_memory(struct memory memory)
{
	backing_destroy(memory.backing);
	buffer_destroy(memory.buffer);
}

static int move_memory(void *backing, int file)
{
	return backing_bind(backing, file);
}

static int make_buffer(struct fs *fs, struct node *node, int given)
{
	scope(fd) int file = given;

	if (memory_is_in_tree(fs) && file < 0)
		file = node_open(&fs->tree, node, O_RDWR);
	if (memory_is_in_tree(fs) && file < 0)
		return file;
	int memory = memory_is_in_tree(fs) ? steal_fd(&file) : -1;
	int error = buffer_create(&node->buffer, fs->heap, &fs->budget, memory);

	if (error)
		return error;
	node->backing = backing_create(&fs->kernel, node->ino);
	if (!node->backing) {
		end_memory(take_memory(node));
		return -ENOMEM;
	}
	buffer_on_move(node->buffer, move_memory, node->backing);
	if (fs->kernel.binds)
		buffer_lend(node->buffer);
	return 0;
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
	if (node->over) {
		close_fd(file);
		return -ESTALE;
	}
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

void file_drop(struct fs *fs, struct node *node)
{
	struct memory idle = {};
	{
		with_lock(&node->lock);
		if (--node->opens == 0 && memory_is_in_tree(fs))
			idle = take_memory(node);
	}
	end_memory(idle);
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
	backing_note_copy(node->backing);
	if (flags & O_TRUNC && (error = buffer_truncate(node->buffer, 0))) {
		file_drop(fs, node);
		return error;
	}
	if (flags & O_TRUNC)
		copied_forget(fs, node);
	with_lock(&node->lock);
	node->writers += can_write(flags);
	if ((flags & O_ACCMODE) == O_RDWR)
		node->may_be_mapped = true;
	return 0;
}

void file_close(struct fs *fs, struct node *node, const struct fuse_file_info *fi)
{
	bool settled = true;

	backing_note_copy(node->backing);
	passthrough_end(node, fi);
	if (can_write(fi->flags)) {
		with_lock(&node->lock);
		settled = --node->writers;
	}
	/* May move gigabytes: not for the node's lock. The buffer stays until the drop. */
	if (!settled)
		buffer_settle(node->buffer);
	file_drop(fs, node);
}

void file_forget(struct fs *fs, struct node *node, uint64_t lookups)
{
	if (node_forget(&fs->tree, node, lookups))
		file_end(node);
}

void file_keep_nameless(struct fs *fs, uint64_t ino, int file)
{
	if (!memory_is_in_tree(fs))
		node_pin(&fs->tree, ino, file);
}

void file_end_nameless(struct fs *fs, uint64_t ino, int file)
{
	struct node *node = node_find(&fs->tree, ino);
	struct memory over = {};
	bool open;

	if (!node)
		return;
	{
		with_lock(&node->lock);
		open = node->opens;
		node->over = !open;
		if (node->over)
			over = take_memory(node);
	}
	if (open)
		file_keep_nameless(fs, ino, file);
	end_memory(over);
}

void file_end(struct node *node)
{
	end_memory(take_memory(node));
	node_destroy(node);
}
