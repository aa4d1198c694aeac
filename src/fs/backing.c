// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/backing.h"

#include "util/scope.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

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

struct backing *backing_create(const struct backing_kernel *kernel, uint64_t nodeid,
			       struct backing_record *record)
{
	struct backing *backing = malloc(sizeof(*backing));

	if (backing)
		*backing = (struct backing){
			.kernel = kernel,
			.nodeid = nodeid,
			.record = record,
			.lock = PTHREAD_MUTEX_INITIALIZER,
		};
	return backing;
}

static void note_id(const struct backing_kernel *kernel, int32_t id)
{
	int32_t last = *kernel->last_id;

	while (last < id && !atomic_compare_exchange_weak(kernel->last_id, &last, id))
		;
}

static int register_with(const struct backing_kernel *kernel, int file)
{
	struct fuse_backing_map map = {.fd = file};
	const int id = ioctl(kernel->device, FUSE_DEV_IOC_BACKING_OPEN, &map);

	if (id < 0)
		return -errno;
	note_id(kernel, id);
	return id;
}

static int register_file(const struct backing *backing, int file)
{
	return register_with(backing->kernel, file);
}

static void end_id_of(const struct backing_kernel *kernel, int32_t id)
{
	const uint32_t ended = (uint32_t)id;

	if (id > 0)
		ioctl(kernel->device, FUSE_DEV_IOC_BACKING_CLOSE, &ended);
}

static void end_id(const struct backing *backing, int32_t id)
{
	end_id_of(backing->kernel, id);
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
	const int own = backing->record->id ? 0 : register_file(backing, from);
	const int error = own < 0 ? own : bind_file(backing, dmabuf, own ?: backing->record->id);

	end_id(backing, own);
	return error;
}

static int unbind(struct backing *backing)
{
	const int error = bind_id(backing, 0, 0);

	if (error && error != -ENOENT)
		return error;
	backing->record->bound = false;
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

	backing->record->bound = !error;
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
	if (!backing->record->bound)
		backing->record->bound = !bind_file(backing, dmabuf, 0);
	return backing->record->bound;
}

int backing_open(struct backing *backing, int file, int dmabuf, bool *bound)
{
	guard(mutex)(&backing->lock);
	const int id = backing->record->id ?: register_file(backing, file);

	*bound = false;
	if (id < 0)
		return id;
	if (!backing->opens)
		backing->record->bound = false;
	*bound = bind_again(backing, dmabuf);
	backing->record->id = id;
	backing->opens++;
	return id;
}

void backing_close(struct backing *backing)
{
	guard(mutex)(&backing->lock);
	if (--backing->opens)
		return;
	end_id(backing, backing->record->id);
	backing->record->id = 0;
}

void backing_detach(struct backing *backing)
{
	if (!backing)
		return;
	guard(mutex)(&backing->lock);
	backing->own_record.id = (int32_t)backing->record->id;
	backing->own_record.bound = (bool)backing->record->bound;
	backing->record->id = 0;
	backing->record->bound = false;
	backing->record = &backing->own_record;
}

void backing_destroy(struct backing *backing)
{
	if (!backing)
		return;
	end_id(backing, backing->record->id);
	backing->record->id = 0;
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

uint64_t backing_bound_bytes(const struct backing_kernel *kernel, uint64_t nodeid)
{
	struct fuse_memory_stat now = {.nodeid = nodeid};

	if (!kernel->binds || ioctl(kernel->device, FUSE_DEV_IOC_MEMORY_STAT, &now))
		return 0;
	return now.capacity;
}

struct backing_recent backing_recent(const struct backing_kernel *kernel)
{
	const int32_t last = *kernel->last_id;

	return (struct backing_recent){.first = last > BACKING_RECENT ? last - BACKING_RECENT : 1};
}

void backing_recent_keep(struct backing_recent *recent, int32_t id)
{
	if (id >= recent->first && id - recent->first < 2 * BACKING_RECENT)
		recent->recorded[id - recent->first] = true;
}

/* The id of a file that is registered now is larger than all others. */
void backing_recent_end(const struct backing_kernel *kernel, const struct backing_recent *recent)
{
	scope(fd) int probe = memfd_create("dmaheapfs-probe", MFD_CLOEXEC);
	const int32_t next = probe < 0 ? -1 : register_with(kernel, probe);

	end_id_of(kernel, next);
	for (int32_t i = 0; i < 2 * BACKING_RECENT && recent->first + i < next; i++)
		if (!recent->recorded[i])
			end_id_of(kernel, recent->first + i);
}

void backing_restore_open(struct backing *backing)
{
	backing->opens++;
}

void backing_restore_end(struct backing *backing, bool is_bound)
{
	if (is_bound)
		backing_count(backing, &backing->counted);
	if (backing->opens)
		return;
	end_id(backing, backing->record->id);
	backing->record->id = 0;
}
