// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/passthrough.h"

#include "util/scope.h"

/*
 * Every state of the memory and every kernel. An inode's opens may mix
 * passthrough and direct I/O, but neither with cached ones.
 */
static const struct open_row table[] = {
	/* memory, passthrough, direct_mmap → flags */
	{BUFFER_SIZED_BY_KERNEL, 1, -1, OPEN_PASSTHROUGH},
	{BUFFER_SIZED_BY_KERNEL, 0, 1, OPEN_DIRECT},
	/* Half as fast, but a shared mapping has to be possible. */
	{BUFFER_SIZED_BY_KERNEL, 0, 0, OPEN_CACHED},
	/* The file is longer than the data, and can't shrink: only mmap goes past. */
	{BUFFER_PINNED_FILE, 1, -1, OPEN_PASSTHROUGH | OPEN_DIRECT},
	{BUFFER_PINNED_FILE, 0, -1, OPEN_DIRECT},
	/* No page of a dma-buf can be mapped through FUSE: a clean ENODEV. */
	{BUFFER_PAGES, -1, -1, OPEN_DIRECT},
};

const struct open_row *open_row(enum buffer_state memory, bool passthrough, bool direct_mmap)
{
	const struct open_row *row = table;

	while (row->memory != memory || (row->passthrough >= 0 && row->passthrough != passthrough) ||
	       (row->direct_mmap >= 0 && row->direct_mmap != direct_mmap))
		row++;
	return row;
}

#ifdef DMAHEAPFS_HAVE_PASSTHROUGH

static bool want(struct fuse_conn_info *conn, uint64_t feature)
{
	return fuse_set_feature_flag(conn, feature);
}

void passthrough_negotiate(struct fs *fs, struct fuse_conn_info *conn)
{
	const bool file = fs->heap->ops->memory != HEAP_PAGES;

	/* Wants CAP_SYS_ADMIN, which the kernel checks when a file is handed over. */
	fs->passthrough = file && geteuid() == 0 && want(conn, FUSE_CAP_PASSTHROUGH);
	if (fs->passthrough)
		conn->max_backing_stack_depth = 1;
	fs->direct_mmap = file && want(conn, FUSE_CAP_DIRECT_IO_ALLOW_MMAP);
}

static bool begin(fuse_req_t req, struct node *node)
{
	if (!node->backing_id)
		node->backing_id = fuse_passthrough_open(req, buffer_passthrough_file(node->buffer));
	return node->backing_id > 0;
}

void passthrough_end(fuse_req_t req, struct node *node)
{
	if (node->backing_id)
		fuse_passthrough_close(req, node->backing_id);
	node->backing_id = 0;
}

static void set_backing(struct fuse_file_info *fi, const struct node *node)
{
	fi->backing_id = node->backing_id;
}

#else

void passthrough_negotiate(struct fs *fs, struct fuse_conn_info *conn)
{
	(void)conn;
	fs->passthrough = false;
	fs->direct_mmap = false;
}

static bool begin(fuse_req_t req, struct node *node)
{
	(void)req;
	(void)node;
	return false;
}

void passthrough_end(fuse_req_t req, struct node *node)
{
	(void)req;
	(void)node;
}

static void set_backing(struct fuse_file_info *fi, const struct node *node)
{
	(void)fi;
	(void)node;
}

#endif

void passthrough_choose(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	with_lock(&node->lock);
	const enum buffer_state memory = buffer_state(node->buffer);
	enum open_flags flags = open_row(memory, fs->passthrough, fs->direct_mmap)->flags;

	/* The kernel may be out of memory or ids: then data comes here. */
	if (flags & OPEN_PASSTHROUGH && !begin(req, node))
		flags = OPEN_DIRECT;
	if (flags & OPEN_PASSTHROUGH) {
		set_backing(fi, node);
		fs->counters.opens_passthrough++;
	} else if (flags & OPEN_DIRECT) {
		fs->counters.opens_direct++;
	} else {
		fi->keep_cache = 1;
		fs->counters.opens_cached++;
	}
	fi->direct_io = !!(flags & OPEN_DIRECT);
#ifdef DMAHEAPFS_HAVE_PARALLEL_DIRECT_WRITES
	fi->parallel_direct_writes = fi->direct_io;
#endif
}
