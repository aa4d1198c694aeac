// SPDX-License-Identifier: GPL-2.0-or-later
/* ioctl(2) on an open file: what it is, and tickets for its memory. */
#include "fs/caller.h"
#include "fs/file.h"
#include "fs/ops.h"
#include "fs/passthrough.h"
#include "share/share.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static bool has_dmabufs(const struct fs *fs)
{
	return *fs->heap->dmabuf == 'y';
}

static void reply_facts(fuse_req_t req, struct node *node)
{
	struct fs *fs = fs_of(req);
	struct stat memory;
	struct share_facts facts = {
		.size = buffer_size(node->buffer),
		.capacity = buffer_capacity(node->buffer),
		.flags = (has_dmabufs(fs) ? SHARE_IS_DMABUF : 0) |
			 (buffer_is_exported(node->buffer) ? SHARE_EXPORTED : 0),
	};

	snprintf(facts.heap, sizeof(facts.heap), "%s", fs->heap->name);
	if (!buffer_stat_memory(node->buffer, &memory)) {
		facts.device = memory.st_dev;
		facts.inode = memory.st_ino;
	}
	fuse_reply_ioctl(req, 0, &facts, sizeof(facts));
}

static bool may(uint64_t handle, uint64_t rights)
{
	return (handle & rights) == rights;
}

/* Whoever has a dma-buf can write to it, whatever the fd says. */
static int grant_dmabuf(fuse_req_t req, struct node *node, struct grant *grant)
{
	if (!has_dmabufs(fs_of(req)))
		return -EOPNOTSUPP;
	if (!may(grant->handle, OPEN_READS | OPEN_WRITES))
		return -EACCES;
	grant->fd = buffer_export(node->buffer);
	if (grant->fd < 0)
		return grant->fd;
	caller_wrote(req, node);
	return 0;
}

static int open_memory(struct fs *fs, struct node *node, bool writes)
{
	if (fs->heap->ops->memory != HEAP_TREE_FILE)
		return buffer_open_memory(node->buffer);
	return writes ? node_open(&fs->tree, node, O_RDWR) : node_open_read_only(&fs->tree, node);
}

static int grant_memory(fuse_req_t req, struct node *node, struct grant *grant)
{
	if (!may(grant->handle, OPEN_READS))
		return -EACCES;
	grant->fd = open_memory(fs_of(req), node, may(grant->handle, OPEN_WRITES));
	return grant->fd < 0 ? grant->fd : 0;
}

/* Held until the ticket is over. */
static int grant_import(fuse_req_t req, struct node *node, struct grant *grant)
{
	if (!has_dmabufs(fs_of(req)))
		return -EOPNOTSUPP;
	if (!may(grant->handle, OPEN_WRITES))
		return -EACCES;
	grant->target = node;
	return file_hold(fs_of(req), node, -1);
}

static int fill_grant(fuse_req_t req, struct node *node, struct grant *grant)
{
	switch (grant->want) {
	case SHARE_DMABUF:
		return grant_dmabuf(req, node, grant);
	case SHARE_MEMORY:
		return grant_memory(req, node, grant);
	case SHARE_IMPORT:
		return grant_import(req, node, grant);
	default:
		return -EINVAL;
	}
}

static void reply_ticket(void *context, int error, const unsigned char *bytes)
{
	const fuse_req_t req = context;
	struct share_ticket ticket = {};

	if (error) {
		fs_reply_error(req, error);
		return;
	}
	memcpy(ticket.ticket, bytes, sizeof(ticket.ticket));
	fuse_reply_ioctl(req, 0, &ticket, sizeof(ticket));
}

static void issue_ticket(fuse_req_t req, struct node *node, uint64_t handle,
			 const struct share_ticket *wish)
{
	struct grant grant = {
		.user = fuse_req_ctx(req)->uid,
		.handle = handle,
		.want = wish->want,
		.fd = -1,
	};
	int error = fill_grant(req, node, &grant);

	if (error)
		fs_reply_error(req, error);
	else
		share_issue(fs_of(req)->share, &grant, reply_ticket, req);
}

void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int command, void *argument,
	      struct fuse_file_info *fi, unsigned int flags, const void *in, size_t in_size,
	      size_t out_size)
{
	struct node *node = fs_node(req, ino);

	(void)argument;
	(void)in_size;
	(void)out_size;
	/* The sizes are in the command, and the kernel goes by them. */
	if (flags & FUSE_IOCTL_DIR)
		fs_reply_error(req, -ENOTTY);
	else if (command == SHARE_IOC_QUERY)
		reply_facts(req, node);
	else if (command == SHARE_IOC_TICKET)
		issue_ticket(req, node, fi->fh, in);
	else
		fs_reply_error(req, -ENOTTY);
}
