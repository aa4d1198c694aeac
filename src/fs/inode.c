// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/inode.h"

#include "fs/export.h"
#include "fs/ops.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stddef.h>

/* --- memory ------------------------------------------------------------------------ */

/* The memory of an inode, to be freed. */
struct memory {
	struct buffer *buffer;
	struct backing *backing;
	struct users *users; /* NULL: it is not shared */
	uid_t shared_with;
};

/* inode->lock is held. */
static struct memory take_memory(struct fs *fs, struct inode *inode)
{
	const struct memory taken = {
		.buffer = inode->buffer,
		.backing = inode->backing,
		.users = inode_kept(inode)->is_shared ? &fs->users : NULL,
		.shared_with = inode_kept(inode)->shared_with,
	};

	backing_detach(inode->backing);
	inode->buffer = NULL;
	inode->backing = NULL;
	inode_kept(inode)->is_shared = false;
	inode->node.has_data = false;
	return taken;
}

/* Leaves the kernel's registration, by which files are open. inode->lock is held. */
static struct memory take_buffer(struct inode *inode)
{
	const struct memory taken = {.buffer = inode->buffer};

	inode->buffer = NULL;
	return taken;
}

/* Takes tenths of a second a GiB, so no lock is held. */
static void free_memory(struct memory memory)
{
	backing_destroy(memory.backing);
	buffer_destroy(memory.buffer);
	if (memory.users)
		users_close(memory.users, memory.shared_with);
}

static int move_backing(void *backing, int dmabuf, int from)
{
	return backing_bind(backing, dmabuf, from);
}

int inode_need_backing(struct fs *fs, struct inode *inode)
{
	const bool in_tree = inode->ops == &tree_ops;

	if (!inode->backing)
		inode->backing = backing_create(in_tree ? &fs->kernel : &fs->source_kernel,
						in_tree ? inode->node.ino : inode->source.id,
						&inode_kept(inode)->backing);
	return inode->backing ? 0 : -ENOMEM;
}

static void prepare_buffer(struct fs *fs, struct inode *inode)
{
	/* A memory file that becomes a dma-buf is bound by the next open. */
	if (fs->heap->ops->fixed_size)
		buffer_on_move(inode->buffer, move_backing, inode->backing);
	if (fs->kernel.binds)
		buffer_lend(inode->buffer);
}

/* Takes @given over. inode->lock is held. */
static int make_buffer(struct fs *fs, struct inode *inode, int given)
{
	const bool in_tmpfs = fs->heap->ops->in_tmpfs;
	scope(fd) int file = given;

	if (in_tmpfs && file < 0)
		file = node_open(&fs->tree, &inode->node, O_RDWR);
	if (in_tmpfs && file < 0)
		return file;
	const int error = buffer_create(&inode->buffer, fs->heap, &fs->quota,
					in_tmpfs ? steal_fd(&file) : -1);

	if (error)
		return error;
	if (inode_need_backing(fs, inode)) {
		free_memory(take_memory(fs, inode));
		return -ENOMEM;
	}
	inode->node.has_data = !in_tmpfs;
	prepare_buffer(fs, inode);
	buffer_record(inode->buffer, inode->node.ino);
	return 0;
}

int inode_hold(struct fs *fs, struct inode *inode, int file)
{
	guard(mutex)(&inode->lock);
	if (inode->is_over) {
		close_fd(file);
		return -ESTALE;
	}
	if (inode->buffer) {
		close_fd(file);
	} else {
		const int error = make_buffer(fs, inode, file);

		if (error)
			return error;
	}
	inode->opens++;
	/* RELEASE may come after the last FORGET. */
	node_get(&fs->tree, &inode->node);
	return 0;
}

int inode_share(struct fs *fs, struct inode *inode, uid_t user)
{
	guard(mutex)(&inode->lock);
	struct inode_kept *kept = inode_kept(inode);
	const int error = kept->is_shared ? 0 : users_open(&fs->users, user);

	if (error || kept->is_shared)
		return error;
	kept->shared_with = user;
	kept->is_shared = true;
	inode->node.has_data = true;
	return 0;
}

/* Takes the memory, or the part of it, that no user needs any more. inode->lock is held. */
static struct memory take_idle(struct fs *fs, struct inode *inode)
{
	if (!fs->heap->ops->in_tmpfs || inode->opens > inode->parked)
		return (struct memory){};
	if (inode_kept(inode)->is_shared && node_has_name(&fs->tree, &inode->node))
		return (struct memory){};
	return inode->opens ? take_buffer(inode) : take_memory(fs, inode);
}

static void drop(struct fs *fs, struct inode *inode, bool parked)
{
	struct memory idle;
	{
		guard(mutex)(&inode->lock);
		inode->opens--;
		inode->parked -= parked;
		idle = take_idle(fs, inode);
	}
	free_memory(idle);
	node_put(&fs->tree, &inode->node);
}

void inode_drop(struct fs *fs, struct inode *inode)
{
	drop(fs, inode, false);
}

void inode_drop_parked(struct fs *fs, struct inode *inode)
{
	drop(fs, inode, true);
}

void inode_park(struct fs *fs, struct inode *inode)
{
	struct memory idle;
	{
		guard(mutex)(&inode->lock);
		inode->parked++;
		idle = take_idle(fs, inode);
	}
	free_memory(idle);
}

/* --- the tables' inodes ------------------------------------------------------------ */

_Static_assert(offsetof(struct inode, node) == 0 && offsetof(struct inode, source) == 0,
	       "the tables allocate inodes");

static void init(struct inode *inode, const struct inode_ops *ops)
{
	inode->ops = ops;
	inode->file = -1;
	pthread_mutex_init(&inode->lock, NULL);
}

static void init_tree(void *node)
{
	init(node, &tree_ops);
}

static void init_source(void *node)
{
	init(node, &source_ops);
}

static void finish(void *node)
{
	struct inode *inode = node;

	backing_destroy(inode->backing);
	buffer_destroy(inode->buffer);
	close_fd(inode->file);
	pthread_mutex_destroy(&inode->lock);
}

const struct node_type inode_tree_type = {sizeof(struct inode), init_tree, finish};
const struct node_type inode_source_type = {sizeof(struct inode), init_source, finish};

struct inode_kept *inode_kept(const struct inode *inode)
{
	if (inode->ops == &tree_ops)
		return &((struct tree_record *)inode->node.record)->kept;
	return &((struct source_inode_record *)inode->source.record)->kept;
}

struct inode *inode_find(struct fs *fs, fuse_ino_t ino)
{
	if (ino & SOURCE_BIT)
		return (struct inode *)source_find(fs->source, ino);
	if (ino == SOCKET_ID)
		return &export_socket;
	return (struct inode *)node_find(&fs->tree, ino);
}

/* --- attributes -------------------------------------------------------------------- */

double inode_attr_timeout(const struct inode *inode, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return FS_NAME_TIMEOUT;
	/* A write removes them, past this process too, and execve(2) must see that at once. */
	if (st->st_mode & (S_ISUID | S_ISGID))
		return 0;
	/*
	 * Stores into a mapping allocate blocks and change the times, and neither FUSE nor
	 * this process notices. All other changes are made or seen by FUSE.
	 */
	return inode_kept(inode)->may_be_mapped ? 0 : 1;
}

/* Requests through this process are faster if they are large, and tools ask st_blksize. */
#define LARGE_BLOCK (1 << 20)

static void set_block_size(const struct fs *fs, struct stat *st)
{
	if (S_ISREG(st->st_mode) && !fs->passthrough)
		st->st_blksize = LARGE_BLOCK;
}

static int stat_fd(int file, struct stat *st)
{
	if (file < 0)
		return file;
	return fstat(file, st) ? -errno : 0;
}

static int stat_in_tree(struct fs *fs, struct inode *inode, struct stat *st)
{
	if (inode->node.is_dir) {
		scope(dir) struct dir dir = dir_open(&fs->tree, &inode->node);

		return stat_fd(dir.fd, st);
	}
	scope(fd) int file = node_open(&fs->tree, &inode->node, O_PATH);

	return stat_fd(file, st);
}

int inode_stat(struct fs *fs, struct inode *inode, struct stat *st)
{
	guard(mutex)(&inode->lock);
	const int error = stat_in_tree(fs, inode, st);

	if (error)
		return error;
	if (inode->buffer)
		buffer_stat(inode->buffer, st);
	set_block_size(fs, st);
	return 0;
}

int inode_answer(fuse_req_t req, const struct inode *inode, int error)
{
	/* Directories stay valid without a name. */
	if (inode->node.is_dir)
		return error;
	return estale_answer(&fs_of(req)->estale, fuse_req_ctx(req)->pid, error);
}

/* --- lookup, removal, forget ------------------------------------------------------- */

int inode_look_up(struct fs *fs, int dirfd, const char *name, struct inode **found,
		  struct fuse_entry_param *entry)
{
	struct node *node;

	*entry = (struct fuse_entry_param){.entry_timeout = FS_NAME_TIMEOUT};
	const int error = node_look_up(&fs->tree, dirfd, name, &node, &entry->attr);

	if (error)
		return error;
	struct inode *inode = inode_of_node(node);

	if (S_ISREG(entry->attr.st_mode)) {
		guard(mutex)(&inode->lock);
		if (inode->buffer)
			buffer_stat(inode->buffer, &entry->attr);
	}
	set_block_size(fs, &entry->attr);
	entry->ino = node->ino;
	entry->attr_timeout = inode_attr_timeout(inode, &entry->attr);
	*found = inode;
	return 0;
}

void inode_forget(struct fs *fs, struct inode *inode, uint64_t lookups)
{
	node_forget(&fs->tree, &inode->node, lookups);
}

void inode_keep_nameless(struct fs *fs, struct inode *inode, int file)
{
	if (!fs->heap->ops->in_tmpfs)
		node_pin(&fs->tree, &inode->node, file);
}

void inode_removed(struct fs *fs, uint64_t ino, int file)
{
	struct inode *inode = inode_find(fs, ino);
	struct memory over = {};
	bool is_open;

	if (!inode)
		return;
	{
		guard(mutex)(&inode->lock);
		is_open = inode->opens;
		inode->is_over = !is_open;
		if (inode->is_over)
			over = take_memory(fs, inode);
	}
	if (is_open)
		inode_keep_nameless(fs, inode, file);
	free_memory(over);
}

/* --- inodes of an earlier process ------------------------------------------------------ */

static void restore_use(struct fs *fs, const struct open_file *file)
{
	struct inode *inode = file->inode;

	inode->opens++;
	if (inode->ops == &source_ops) {
		inode->file = inode_kept(inode)->file - 1;
		inode->cached = file->mode == OPEN_CACHED;
		source_get(fs->source, &inode->source);
		return;
	}
	inode->parked += file->parked;
	inode->writers += open_file_writes(file);
	node_get(&fs->tree, &inode->node);
}

int inode_restore_open(struct fs *fs, struct open_file *file)
{
	const bool passes = file->mode & OPEN_PASSTHROUGH;
	const int error = passes ? inode_need_backing(fs, file->inode) : 0;

	if (error)
		return error;
	if (passes)
		backing_restore_open(file->inode->backing);
	restore_use(fs, file);
	return 0;
}

int inode_restore_buffer(struct fs *fs, struct inode *inode, struct buffer *buffer)
{
	const int error = inode_need_backing(fs, inode);

	if (error)
		return error;
	inode->buffer = buffer;
	inode->node.has_data = !fs->heap->ops->in_tmpfs;
	prepare_buffer(fs, inode);
	return 0;
}

static bool is_dmabuf(const struct inode *inode)
{
	return inode->buffer && buffer_state(inode->buffer) == BUFFER_DMABUF;
}

int inode_restore_rest(struct fs *fs, struct inode *inode)
{
	struct inode_kept *kept = inode_kept(inode);
	int error = kept->backing.id ? inode_need_backing(fs, inode) : 0;

	/* The process was killed while it closed the last one. */
	if (!inode->opens)
		kept->file = 0;
	if (error)
		return error;
	if (inode->backing)
		backing_restore_end(inode->backing, is_dmabuf(inode));
	if (kept->is_shared) {
		inode->node.has_data = true;
		error = users_restore_open(&fs->users, kept->shared_with);
	}
	return error;
}

void inode_restore_end(struct fs *fs, struct inode *inode)
{
	struct memory idle;

	/* A memory file has nothing to settle but its charge, which is just counted. */
	if (is_dmabuf(inode) && !inode->writers)
		buffer_settle(inode->buffer);
	{
		guard(mutex)(&inode->lock);
		idle = take_idle(fs, inode);
	}
	free_memory(idle);
	node_put(&fs->tree, &inode->node);
}
