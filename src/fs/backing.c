// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/backing.h"

#include "uapi/fuse_memory.h"
#include "util/scope.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

/* <linux/fuse.h> has these since 6.9; the headers installed may be older. */
#ifndef FUSE_DEV_IOC_BACKING_OPEN
struct fuse_backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
#define FUSE_DEV_IOC_BACKING_OPEN  _IOW(FUSE_DEV_IOC_MAGIC, 1, struct fuse_backing_map)
#define FUSE_DEV_IOC_BACKING_CLOSE _IOW(FUSE_DEV_IOC_MAGIC, 2, uint32_t)
#endif

/* What copy_file_range(2) has made between the memory and a file of another filesystem. */
struct kernel_copy {
	uint64_t bytes; /* 0: there was none */
	bool direct;
	enum fuse_memory_why why;
	int error;
};

struct backing {
	const struct backing_kernel *kernel;
	uint64_t nodeid;
	/* A leaf: taken under the buffer's lock, too, when its memory moves. */
	pthread_mutex_t lock;
	int32_t id; /* what opens are answered with just now; 0: none yet */
	unsigned opens; /* that were answered with an id and are not released */
	/* The kernel's counters at the last open or release, and the last copy by then. */
	struct fuse_memory_stat counted;
	struct kernel_copy copied;
};

void backing_enable_memory(struct backing_kernel *kernel)
{
	const uint32_t flags = 0;

	kernel->binds = !ioctl(kernel->device, FUSE_DEV_IOC_MEMORY_ENABLE, &flags);
}

struct backing *backing_create(const struct backing_kernel *kernel, uint64_t nodeid)
{
	struct backing *backing = malloc(sizeof(*backing));

	if (backing)
		*backing = (struct backing){.kernel = kernel,
					    .nodeid = nodeid,
					    .lock = PTHREAD_MUTEX_INITIALIZER};
	return backing;
}

static int register_file(const struct backing *backing, int file)
{
	struct fuse_backing_map map = {.fd = file};
	int id = ioctl(backing->kernel->device, FUSE_DEV_IOC_BACKING_OPEN, &map);

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
		.flags = backing->kernel->fail_busy ? FUSE_MEMORY_FAIL_BUSY : 0,
	};

	if (!ioctl(backing->kernel->device, FUSE_DEV_IOC_MEMORY_BIND, &bind) || errno == ENOENT)
		return 0;
	return -errno;
}

int backing_bind(struct backing *backing, int file)
{
	with_lock(&backing->lock);
	if (!backing->kernel->binds)
		return 0;
	int id = file < 0 ? 0 : register_file(backing, file);

	if (id == -EOPNOTSUPP)
		id = 0;
	int error = id < 0 ? id : bind_id(backing, id);

	/* Opens go over to other memory, and those to come have to name that. */
	if (!error && backing->opens) {
		const int32_t old = backing->id;

		backing->id = id;
		id = old;
	}
	/* The binding outlives the id. */
	end_id(backing, id);
	return error;
}

static int first_open(struct backing *backing, int file)
{
	int id = register_file(backing, file);
	int error = id < 0 ? id : 0;

	/* The kernel may have forgotten the inode since, and what was bound to it. */
	if (!error && backing->kernel->binds)
		error = bind_id(backing, id);
	if (error) {
		end_id(backing, id);
		return error;
	}
	backing->id = id;
	return 0;
}

int backing_open(struct backing *backing, int file)
{
	with_lock(&backing->lock);
	int error = backing->id ? 0 : first_open(backing, file);

	if (error)
		return error;
	backing->opens++;
	return backing->id;
}

void backing_close(struct backing *backing)
{
	with_lock(&backing->lock);
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

static const char *explain(uint32_t why)
{
	static const char *const texts[] = {
		[FUSE_MEMORY_DIRECT] = "the disk moved the bytes by itself",
		[FUSE_MEMORY_BUSY] = "a device or the kernel is using the memory",
		[FUSE_MEMORY_NO_DIRECT] = "the other file has no direct I/O",
		[FUSE_MEMORY_CACHED] = "most of the other file is in the page cache",
		[FUSE_MEMORY_UNALIGNED] = "the positions are not alike within a page",
		[FUSE_MEMORY_REFUSED] = "the other filesystem refused direct I/O",
		[FUSE_MEMORY_FAILED] = "it failed",
	};

	return why < sizeof(texts) / sizeof(texts[0]) ? texts[why] : "the kernel does not say";
}

static struct fuse_memory_stat since(const struct fuse_memory_stat *now,
				     const struct fuse_memory_stat *then)
{
	struct fuse_memory_stat between = *now;

	between.in_direct -= then->in_direct;
	between.in_buffered -= then->in_buffered;
	between.out_direct -= then->out_direct;
	between.out_buffered -= then->out_buffered;
	between.copies -= then->copies;
	return between;
}

/* The last copy, be it over or not; @now is what the kernel has counted by now. */
static struct kernel_copy last_copy(const struct backing *backing, struct fuse_memory_stat *now)
{
	*now = (struct fuse_memory_stat){.nodeid = backing->nodeid};
	if (!backing->kernel->binds || ioctl(backing->kernel->device, FUSE_DEV_IOC_MEMORY_STAT, now))
		return backing->copied;
	const struct fuse_memory_stat new = since(now, &backing->counted);
	const uint64_t direct = new.in_direct + new.out_direct;

	if (!new.copies)
		return backing->copied;
	return (struct kernel_copy){
		.bytes = direct + new.in_buffered + new.out_buffered,
		.direct = direct,
		.why = now->why,
		.error = now->error,
	};
}

void backing_note_copy(struct backing *backing)
{
	struct fuse_memory_stat now;
	with_lock(&backing->lock);

	backing->copied = last_copy(backing, &now);
	backing->counted = now;
}

void backing_forget_copies(struct backing *backing)
{
	backing_note_copy(backing);
	with_lock(&backing->lock);
	backing->copied = (struct kernel_copy){};
}

int backing_describe_copy(struct backing *backing, char *line, size_t size)
{
	struct fuse_memory_stat now;
	with_lock(&backing->lock);
	const struct kernel_copy copy = last_copy(backing, &now);

	if (!copy.bytes && !copy.error)
		return -ENODATA;
	if (copy.why == FUSE_MEMORY_BUSY && !backing->kernel->fail_busy)
		return -EBUSY;
	if (copy.why == FUSE_MEMORY_BUSY) {
		snprintf(line, size,
			 "engine=none direct=no bytes=0 seconds=unknown reason=%s, and busy=fail",
			 explain(copy.why));
		return 0;
	}
	snprintf(line, size, "engine=kernel direct=%s bytes=%" PRIu64 " seconds=unknown reason=%s%s%s",
		 copy.direct ? "yes" : "no", copy.bytes, explain(copy.why), copy.error ? ": " : "",
		 copy.error ? strerror(-copy.error) : "");
	return 0;
}
