// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/restore.h"

#include "buffer/record.h"
#include "fs/ops.h"
#include "fs/saved.h"
#include "util/compat.h"
#include "util/fd_list.h"
#include "util/log.h"
#include "util/scope.h"

#include <linux/fuse.h>
#include <string.h>

/* --- requests that were not answered ------------------------------------------------- */

static void strike_handle(struct saved *saved, uint64_t request)
{
	struct handle_record *record = NULL;

	while ((record = table_next(&saved->handles, record)))
		if (record->request == request)
			table_remove(&saved->handles, record);
}

static bool opens(uint32_t opcode)
{
	return opcode == FUSE_OPEN || opcode == FUSE_OPENDIR || opcode == FUSE_CREATE ||
	       opcode == COMPAT_TMPFILE;
}

/* The kernel does not know these open files, and the requests will open them again. */
static void strike_unanswered(struct saved *saved)
{
	for (unsigned i = 0; i < *saved->requests.used; i++) {
		struct request *request = request_slot(&saved->requests, i);
		const struct fuse_in_header *header = request_buffer(request);

		if (request_size(request) && opens(header->opcode))
			strike_handle(saved, header->unique);
	}
}

/* --- inodes ---------------------------------------------------------------------------- */

static int restore_inodes(struct fs *fs)
{
	struct node_record *record = NULL;

	while ((record = table_next(&fs->saved->inodes, record)))
		if (record->ino != TREE_ROOT && !node_restore(&fs->tree, record))
			return -ENOMEM;
	return 0;
}

/* --- open files ------------------------------------------------------------------------ */

static int restore_file(struct fs *fs, struct handle_record *record)
{
	struct inode *inode = inode_find(fs, record->ino);
	struct open_file *file = inode ? open_file_restore(fs, inode, record) : NULL;

	if (!file)
		return inode ? -ENOMEM : -ESTALE;
	return inode_restore_open(fs, file);
}

static int restore_handles(struct fs *fs)
{
	struct handle_record *record = NULL;
	int error = 0;

	while (!error && (record = table_next(&fs->saved->handles, record)))
		error = record->fd >= 0 ? dir_restore(fs, record) : restore_file(fs, record);
	return error;
}

/* --- memory ------------------------------------------------------------------------------ */

/* Whether the kernel has the memory to which the buffer was being moved. */
static bool has_moved(struct fs *fs, const struct buffer_record *record)
{
	if (!record->moving || !fs->kernel.binds)
		return false;
	return backing_bound_bytes(&fs->kernel, record->owner) == record->target.capacity;
}

/* The buffer of an inode that has gone is freed, or becomes an orphan. */
static int restore_buffer(struct fs *fs, struct buffer_record *record)
{
	struct inode *inode = inode_find(fs, record->owner);
	struct buffer *buffer;
	const int error =
		buffer_restore(&buffer, fs->heap, &fs->quota, record, has_moved(fs, record));

	if (error)
		return error;
	if (inode && !inode->buffer)
		return inode_restore_buffer(fs, inode, buffer);
	buffer_destroy(buffer);
	return 0;
}

static int restore_buffers(struct fs *fs)
{
	struct buffer_record *record = NULL;
	int error = 0;

	while (!error && (record = table_next(&fs->saved->buffers, record)))
		error = restore_buffer(fs, record);
	return error;
}

static bool is_of_buffer(struct saved *saved, int fd)
{
	const struct buffer_record *record = NULL;

	while ((record = table_next(&saved->buffers, record)))
		if (record->states[record->current].dmabuf == fd)
			return true;
	return false;
}

/*
 * Before the buffers, of which some become orphans. The process may have been killed between
 * the record of an orphan and the end of its buffer.
 */
static void restore_orphans(struct fs *fs)
{
	struct orphan_record *record = NULL;

	while ((record = table_next(&fs->saved->orphans, record))) {
		if (is_of_buffer(fs->saved, record->fd))
			table_remove(&fs->saved->orphans, record);
		else
			quota_restore_orphan(&fs->quota, fs->heap, record);
	}
}

static int restore_rest(struct fs *fs)
{
	struct tree_record *tree = NULL;
	struct source_inode_record *source = NULL;
	int error = 0;

	while (!error && (tree = table_next(&fs->saved->inodes, tree)))
		error = inode_restore_rest(fs, inode_find(fs, tree->node.ino));
	while (!error && (source = table_next(&fs->saved->source, source)))
		error = inode_restore_rest(fs, inode_find(fs, source->source.id));
	return error;
}

/* --- what the kernel holds for nobody ------------------------------------------------------ */

static void end_unrecorded_ids(struct fs *fs)
{
	struct backing_recent recent = backing_recent(&fs->kernel);
	const struct tree_record *tree = NULL;
	const struct source_inode_record *source = NULL;

	while ((tree = table_next(&fs->saved->inodes, tree)))
		backing_recent_keep(&recent, tree->kept.backing.id);
	while ((source = table_next(&fs->saved->source, source)))
		backing_recent_keep(&recent, source->kept.backing.id);
	backing_recent_end(&fs->kernel, &recent);
}

/* Gives up the references that kept the nodes so far. */
static void end_inodes(struct fs *fs)
{
	struct node_record *record = NULL;

	while ((record = table_next(&fs->saved->inodes, record)))
		if (record->ino != TREE_ROOT)
			inode_restore_end(fs, inode_find(fs, record->ino));
	if (fs->source)
		source_restore_end(fs->source);
}

/* --- fds ------------------------------------------------------------------------------------ */

static int add(struct fd_list *fds, int fd)
{
	return fd < 0 ? 0 : fd_list_add(fds, fd);
}

static int add_buffer(struct fd_list *fds, const struct buffer_record *record)
{
	const struct buffer_state_record *state = &record->states[record->current];

	return add(fds, state->file) ?: add(fds, state->dmabuf) ?: add(fds, state->dmabuf_file);
}

int restore_list_fds(struct saved *saved, struct fd_list *fds)
{
	const struct tree_record *tree = NULL;
	const struct source_inode_record *source = NULL;
	const struct handle_record *handle = NULL;
	const struct buffer_record *buffer = NULL;
	const struct orphan_record *orphan = NULL;
	int error = 0;

	while (!error && (tree = table_next(&saved->inodes, tree)))
		error = add(fds, tree->node.pin);
	while (!error && (source = table_next(&saved->source, source)))
		error = add(fds, source->kept.file - 1);
	while (!error && (handle = table_next(&saved->handles, handle)))
		error = add(fds, handle->fd);
	while (!error && (buffer = table_next(&saved->buffers, buffer)))
		error = add_buffer(fds, buffer);
	while (!error && (orphan = table_next(&saved->orphans, orphan)))
		error = add(fds, orphan->fd);
	return error;
}

/* Every open fd that no record has. */
static int find_garbage(struct fs *fs, const struct fd_list *own)
{
	scope(fd_list) struct fd_list kept = {};

	int error = restore_list_fds(fs->saved, &kept);

	for (size_t i = 0; i < own->count && !error; i++)
		error = add(&kept, own->fds[i]);
	return error ? error : fd_list_others(&fs->saved->garbage, &kept);
}

void restore_end(struct fs *fs)
{
	fd_list_close(&fs->saved->garbage);
	scope_fd_list(&fs->saved->garbage);
	fs->saved->garbage = (struct fd_list){};
}

/* --- all of it --------------------------------------------------------------------------- */

int restore(struct fs *fs, const struct fd_list *own)
{
	struct saved *saved = fs->saved;

	saved_attach(saved);
	if (saved->head->limit)
		fs->quota.limit = saved->head->limit;
	requests_recover(&saved->requests, fs->kernel.device);
	strike_unanswered(saved);
	int error = users_restore(&fs->users) ?: restore_inodes(fs);

	if (!error && fs->source)
		error = source_restore(fs->source);
	restore_orphans(fs);
	error = error ?: restore_handles(fs) ?: restore_buffers(fs) ?: restore_rest(fs);
	if (error)
		return error;
	end_inodes(fs);
	if (fs->passthrough)
		end_unrecorded_ids(fs);
	return find_garbage(fs, own);
}
