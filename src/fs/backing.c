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

void backing_enable_memory(struct backing_kernel *kernel)
{
	const uint32_t flags = 0;

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

static int bind_id(const struct backing *backing, int32_t id)
{
	const struct fuse_memory_bind bind = {
		.nodeid = backing->nodeid,
		.backing_id = id,
	};

	if (!ioctl(backing->kernel->device, FUSE_DEV_IOC_MEMORY_BIND, &bind) || errno == ENOENT)
		return 0;
	return -errno;
}

int backing_bind(struct backing *backing, int file)
{
	guard(mutex)(&backing->lock);
	if (!backing->kernel->binds)
		return 0;
	int id = file < 0 ? 0 : register_file(backing, file);

	if (id == -EOPNOTSUPP)
		id = 0;
	const int error = id < 0 ? id : bind_id(backing, id);

	/* Later opens must be answered with the id of the new memory. */
	if (!error && backing->opens) {
		const int32_t old = backing->id;

		backing->id = id;
		id = old;
	}
	/* The binding outlives the id. */
	end_id(backing, id);
	return error;
}

static int first_open(struct backing *backing, int file, bool is_dmabuf)
{
	const int id = register_file(backing, file);
	int error = id < 0 ? id : 0;

	/* The kernel may have evicted the inode, and the binding with it. */
	if (!error && is_dmabuf && backing->kernel->binds)
		error = bind_id(backing, id);
	if (error) {
		end_id(backing, id);
		return error;
	}
	backing->id = id;
	return 0;
}

int backing_open(struct backing *backing, int file, bool is_dmabuf)
{
	guard(mutex)(&backing->lock);
	const int error = backing->id ? 0 : first_open(backing, file, is_dmabuf);

	if (error)
		return error;
	backing->opens++;
	return backing->id;
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
	backing_bind(backing, -1);
	pthread_mutex_destroy(&backing->lock);
	free(backing);
}

bool backing_count(const struct backing *backing, struct fuse_memory_stat *now)
{
	*now = (struct fuse_memory_stat){.nodeid = backing->nodeid};
	return backing->kernel->binds &&
	       !ioctl(backing->kernel->device, FUSE_DEV_IOC_MEMORY_STAT, now);
}
