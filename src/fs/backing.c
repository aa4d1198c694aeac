// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/backing.h"

#include "util/scope.h"

#include <errno.h>
#include <sys/ioctl.h>

/* In <linux/fuse.h> since 6.9. The installed headers may be older. */
#ifndef FUSE_DEV_IOC_BACKING_OPEN
struct fuse_backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
#define FUSE_DEV_IOC_BACKING_OPEN  _IOW(FUSE_DEV_IOC_MAGIC, 1, struct fuse_backing_map)
#define FUSE_DEV_IOC_BACKING_CLOSE _IOW(FUSE_DEV_IOC_MAGIC, 2, uint32_t)
#endif

void backing_enable_memory(struct backing_kernel *kernel, bool file_first)
{
	const uint32_t flags = file_first ? FUSE_MEMORY_FIRST : 0;

	kernel->binds = !ioctl(kernel->device, FUSE_DEV_IOC_MEMORY_ENABLE, &flags);
}

struct backing *backing_create(const struct backing_kernel *kernel, uint64_t nodeid)
{
	struct backing *backing = malloc(sizeof(*backing));

	if (backing)
		*backing = (struct backing){
			.kernel = kernel, .nodeid = nodeid, .lock = PTHREAD_MUTEX_INITIALIZER};
	return backing;
}

static int register_file(const struct backing *backing, int file)
{
	struct fuse_backing_map map = {.fd = file};
	const int id = ioctl(backing->kernel->device, FUSE_DEV_IOC_BACKING_OPEN, &map);

	return id < 0 ? -errno : id;
}

static void end_id(const struct backing *backing, int32_t id)
{
	const uint32_t ended = (uint32_t)id;

	if (id > 0)
		ioctl(backing->kernel->device, FUSE_DEV_IOC_BACKING_CLOSE, &ended);
}

static int bind_id(const struct backing *backing, int32_t id, int32_t from)
{
	const struct fuse_memory_bind bind = {
		.nodeid = backing->nodeid,
		.backing_id = id,
		.from_id = from,
	};

	return ioctl(backing->kernel->device, FUSE_DEV_IOC_MEMORY_BIND, &bind) ? -errno : 0;
}

/* The binding outlives the id. */
static int bind_file(const struct backing *backing, int dmabuf, int32_t from)
{
	const int id = register_file(backing, dmabuf);
	const int error = id < 0 ? id : bind_id(backing, id, from);

	end_id(backing, id);
	return error;
}

/* Copies the memory file @from first. It is registered already if it is open. */
static int bind_copy(const struct backing *backing, int dmabuf, int from)
{
	const int own = backing->id ? 0 : register_file(backing, from);
	const int error = own < 0 ? own : bind_file(backing, dmabuf, own ?: backing->id);

	end_id(backing, own);
	return error;
}

static int unbind(struct backing *backing)
{
	const int error = bind_id(backing, 0, 0);

	if (error && error != -ENOENT)
		return error;
	backing->bound = false;
	return 0;
}

int backing_bind(struct backing *backing, int dmabuf, int from)
{
	guard(mutex)(&backing->lock);
	if (!backing->kernel->binds)
		return 0;
	if (dmabuf < 0)
		return unbind(backing);
	const int error =
		from < 0 ? bind_file(backing, dmabuf, 0) : bind_copy(backing, dmabuf, from);

	backing->bound = !error;
	/* There is no such inode, or no file I/O on this memory. */
	if (from < 0 && (error == -ENOENT || error == -EOPNOTSUPP))
		return 0;
	return error;
}

/* The kernel may have evicted the inode between its opens, and the binding with it. */
static bool bind_again(struct backing *backing, int dmabuf)
{
	if (dmabuf < 0 || !backing->kernel->binds)
		return false;
	if (!backing->bound)
		backing->bound = !bind_file(backing, dmabuf, 0);
	return backing->bound;
}

int backing_open(struct backing *backing, int file, int dmabuf, bool *bound)
{
	guard(mutex)(&backing->lock);
	const int id = backing->id ?: register_file(backing, file);

	*bound = false;
	if (id < 0)
		return id;
	if (!backing->opens)
		backing->bound = false;
	*bound = bind_again(backing, dmabuf);
	backing->id = id;
	backing->opens++;
	return id;
}

void backing_close(struct backing *backing)
{
	guard(mutex)(&backing->lock);
	if (--backing->opens)
		return;
	end_id(backing, backing->id);
	backing->id = 0;
}

void backing_destroy(struct backing *backing)
{
	if (!backing)
		return;
	end_id(backing, backing->id);
	backing->opens = 0;
	backing_bind(backing, -1, -1);
	pthread_mutex_destroy(&backing->lock);
	free(backing);
}

bool backing_count(const struct backing *backing, struct fuse_memory_stat *now)
{
	*now = (struct fuse_memory_stat){.nodeid = backing->nodeid};
	return backing->kernel->binds &&
	       !ioctl(backing->kernel->device, FUSE_DEV_IOC_MEMORY_STAT, now);
}
