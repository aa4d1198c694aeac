// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/export.h"

#include "buffer/dmabuf.h"
#include "fdpass/server.h"
#include "fs/creds.h"
#include "fs/ops.h"
#include "fs/saved.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* --- ioctl(2): information, and tickets --------------------------------------------- */

static void reply_info(fuse_req_t req, struct inode *inode)
{
	const struct heap *heap = fs_of(req)->heap;
	struct buffer *buffer = inode->buffer;
	struct stat memory;
	struct fdpass_info info = {
		.size = buffer_size(buffer),
		.capacity = buffer_capacity(buffer),
		.flags = (heap->ops->has_dmabufs ? FDPASS_IS_DMABUF : 0) |
			 (buffer_is_exported(buffer) ? FDPASS_EXPORTED : 0),
	};

	snprintf(info.heap, sizeof(info.heap), "%s", heap->name);
	if (!buffer_stat_memory(buffer, &memory)) {
		info.device = memory.st_dev;
		info.inode = memory.st_ino;
	}
	fuse_reply_ioctl(req, 0, &info, sizeof(info));
}

/* A dma-buf that outlives its file keeps an fd open here, as an open file does. */
static int may_export(struct fs *fs, uid_t user)
{
	const uint64_t limit = fs->users.opens_limit;

	return user && quota_count_orphans(&fs->quota, user, limit) >= limit ? -EUSERS : 0;
}

/* Any holder of a dma-buf can write to it, whatever the flags of its fd are. */
static int grant_dmabuf(fuse_req_t req, struct open_file *file, struct grant *grant)
{
	if (!fs_of(req)->heap->ops->has_dmabufs)
		return -EOPNOTSUPP;
	if (!open_file_reads(file) || !open_file_writes(file))
		return -EACCES;
	const int error = may_export(fs_of(req), grant->user);

	if (error)
		return error;
	buffer_export_for(file->inode->buffer, grant->user);
	grant->fd = buffer_export(file->inode->buffer);
	if (grant->fd < 0)
		return grant->fd;
	creds_wrote(req, file->inode);
	return 0;
}

static int open_memory(fuse_req_t req, struct inode *inode, bool writes)
{
	struct fs *fs = fs_of(req);

	if (!fs->heap->ops->in_tmpfs)
		return buffer_open_memory(inode->buffer);
	const int error = inode_share(fs, inode, fuse_req_ctx(req)->uid);

	if (error)
		return error;
	if (writes)
		creds_gave_memory(req, inode);
	return writes ? node_open(&fs->tree, &inode->node, O_RDWR)
		      : node_open_read_only(&fs->tree, &inode->node);
}

static int grant_memory(fuse_req_t req, struct open_file *file, struct grant *grant)
{
	if (!open_file_reads(file))
		return -EACCES;
	grant->fd = open_memory(req, file->inode, open_file_writes(file));
	return grant->fd < 0 ? grant->fd : 0;
}

/* Holds the inode until the ticket is redeemed or dropped. */
static int grant_import(fuse_req_t req, struct open_file *file, struct grant *grant)
{
	if (!fs_of(req)->heap->ops->has_dmabufs)
		return -EOPNOTSUPP;
	if (!open_file_writes(file))
		return -EACCES;
	grant->target = file->inode;
	return inode_hold(fs_of(req), file->inode, -1);
}

static int fill_grant(fuse_req_t req, struct open_file *file, struct grant *grant)
{
	switch (grant->want) {
	case FDPASS_DMABUF:
		return grant_dmabuf(req, file, grant);
	case FDPASS_MEMORY:
		return grant_memory(req, file, grant);
	case FDPASS_IMPORT:
		return grant_import(req, file, grant);
	default:
		return -EINVAL;
	}
}

/* A request for a ticket that is not answered yet. */
struct asking {
	fuse_req_t req;
	struct table *table;
	struct parked_request *parked;
};

static void reply_ticket(void *context, int error, const unsigned char *bytes)
{
	struct asking *asking = context;
	struct fdpass_ticket ticket = {};

	if (error) {
		fs_reply_error(asking->req, error);
	} else {
		memcpy(ticket.ticket, bytes, sizeof(ticket.ticket));
		fuse_reply_ioctl(asking->req, 0, &ticket, sizeof(ticket));
	}
	table_remove(asking->table, asking->parked);
	free(asking);
}

static void issue_ticket(fuse_req_t req, struct open_file *file, const struct fdpass_ticket *wish)
{
	struct grant grant = {
		.user = fuse_req_ctx(req)->uid,
		.handle = open_file_number(file),
		.want = wish->want,
		.fd = -1,
	};
	struct asking *asking = malloc(sizeof(*asking));
	const int error = asking ? fill_grant(req, file, &grant) : -ENOMEM;

	if (error) {
		free(asking);
		fs_reply_error(req, error);
		return;
	}
	*asking = (struct asking){
		.req = req, .table = &fs_of(req)->saved->parked, .parked = request_hold()};
	fd_server_issue(fs_of(req)->fd_server, &grant, reply_ticket, asking);
}

/* The size of @in is encoded in the command, and the kernel enforces it. */
void op_ioctl(fuse_req_t req, struct open_file *file, unsigned int command, const void *in)
{
	scope(buffer_use) struct buffer_use use = open_file_use(fs_of(req), file);

	if (use.error)
		fs_reply_error(req, use.error);
	else if (command == FDPASS_IOC_QUERY)
		reply_info(req, file->inode);
	else if (command == FDPASS_IOC_TICKET)
		issue_ticket(req, file, in);
	else
		fs_reply_error(req, -ENOTTY);
}

/* --- import: a client's dma-buf becomes the memory of a file ------------------------- */

/* The client's open file, and the ticket. */
#define OWN_OPENS 2

/* Other open files would keep the old memory. */
static bool is_open_elsewhere(struct inode *inode)
{
	guard(mutex)(&inode->lock);
	return inode->opens > OWN_OPENS;
}

static int import(void *context, void *target, int fd)
{
	struct inode *inode = target;

	(void)context;
	if (!fd_is_dmabuf(fd))
		return -EINVAL;
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR)
		return -EACCES;
	if (buffer_capacity(inode->buffer))
		return -EEXIST;
	if (is_open_elsewhere(inode))
		return -EBUSY;
	const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return own < 0 ? -errno : buffer_import(inode->buffer, own);
}

static void release_target(void *context, void *target)
{
	inode_drop(context, target);
}

int export_start(struct fs *fs)
{
	const struct fd_server_user user = {
		.context = fs, .import = import, .release = release_target};

	return fd_server_create(&fs->fd_server, fs->mountpoint, &user);
}

/* --- the socket ---------------------------------------------------------------------- */

/* The socket is transient, so its entry is never cached. */
#define SOCKET_TIMEOUT 0

/* Any user that can see the file may connect; the ticket carries the authorization. */
static const struct stat socket_attributes = {
	.st_ino = SOCKET_ID,
	.st_mode = S_IFSOCK | 0666,
	.st_nlink = 1,
};

static void reply_socket(fuse_req_t req)
{
	const struct fuse_entry_param entry = {
		.ino = SOCKET_ID,
		.attr = socket_attributes,
		.attr_timeout = SOCKET_TIMEOUT,
		.entry_timeout = SOCKET_TIMEOUT,
	};

	fuse_reply_entry(req, &entry);
}

void export_look_up_socket(fuse_req_t req)
{
	const struct fuse_ctx *caller = fuse_req_ctx(req);
	struct fd_server *server = fs_of(req)->fd_server;

	if (!fd_server_shows_socket(server, caller->pid))
		fs_reply_error(req, -ENOENT);
	else if (!fd_server_admits(server, caller->uid))
		fs_reply_error(req, -EAGAIN);
	else
		reply_socket(req);
}

bool export_make_socket(fuse_req_t req)
{
	if (!fd_server_may_bind(fs_of(req)->fd_server, fuse_req_ctx(req)->pid))
		return false;
	reply_socket(req);
	return true;
}

static void socket_forget(struct fs *fs, struct inode *inode, uint64_t lookups)
{
	(void)fs;
	(void)inode;
	(void)lookups;
}

static void socket_getattr(fuse_req_t req, struct inode *inode)
{
	(void)inode;
	if (fd_server_admits(fs_of(req)->fd_server, fuse_req_ctx(req)->uid))
		fuse_reply_attr(req, &socket_attributes, SOCKET_TIMEOUT);
	else
		fs_reply_error(req, -EAGAIN);
}

static void socket_getxattr(fuse_req_t req, struct inode *inode, const char *name, size_t size)
{
	(void)inode;
	(void)name;
	(void)size;
	fs_reply_error(req, -ENODATA);
}

static void socket_listxattr(fuse_req_t req, struct inode *inode, size_t size)
{
	(void)inode;
	fs_reply_value(req, NULL, 0, size);
}

const struct inode_ops socket_ops = {
	.refusal = -EPERM,
	.forget = socket_forget,
	.getattr = socket_getattr,
	.statfs = op_statfs,
	.getxattr = socket_getxattr,
	.listxattr = socket_listxattr,
};

/* It has no state. */
struct inode export_socket = {.node.ino = SOCKET_ID, .ops = &socket_ops};
