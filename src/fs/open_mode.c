// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/open_mode.h"

#include "fs/file.h"
#include "util/user_namespace.h"

#include <errno.h>
#include <unistd.h>

/*
 * Every state of the memory on every kernel. The opens of one inode may mix passthrough
 * and direct I/O, but not with cached ones.
 */
static const struct row {
	struct open_facts facts;
	enum open_mode mode;
} table[] = {
	/* memory, passthrough, bound, direct_mmap → mode */
	{{BUFFER_FILE, 1, ANY, ANY}, OPEN_PASSTHROUGH},
	{{BUFFER_FILE, 0, ANY, 1}, OPEN_DIRECT},
	/* Half as fast, but shared mappings must be possible. */
	{{BUFFER_FILE, 0, ANY, 0}, OPEN_CACHED},
	{{BUFFER_EXPORTED_FILE, 1, 1, ANY}, OPEN_PASSTHROUGH},
	/* The file is longer than the data and sealed, so only mappings bypass the buffer. */
	{{BUFFER_EXPORTED_FILE, 1, 0, ANY}, OPEN_PASSTHROUGH | OPEN_DIRECT},
	{{BUFFER_EXPORTED_FILE, 0, ANY, ANY}, OPEN_DIRECT},
	{{BUFFER_DMABUF, 1, 1, ANY}, OPEN_PASSTHROUGH},
	/* FUSE cannot map pages of a dma-buf. With direct I/O mmap(2) is a clean ENODEV. */
	{{BUFFER_DMABUF, ANY, ANY, ANY}, OPEN_DIRECT},
	{{BUFFER_EMPTY, ANY, ANY, ANY}, OPEN_DIRECT},
};

static bool fits(int wanted, int is)
{
	return wanted == ANY || wanted == is;
}

static bool matches(const struct open_facts *row, const struct open_facts *facts)
{
	return row->memory == facts->memory && fits(row->passthrough, facts->passthrough) &&
	       fits(row->bound, facts->bound) && fits(row->direct_mmap, facts->direct_mmap);
}

enum open_mode open_mode(const struct open_facts *facts)
{
	const struct row *row = table;

	while (!matches(&row->facts, facts))
		row++;
	return row->mode;
}

#ifdef DMAHEAPFS_HAVE_PASSTHROUGH

void open_mode_negotiate(struct fs *fs, struct fuse_conn_info *conn)
{
	/* Needs CAP_SYS_ADMIN on the machine, which the kernel checks when a file is opened. */
	fs->passthrough = geteuid() == 0 && is_first_user_namespace() &&
			  fuse_set_feature_flag(conn, FUSE_CAP_PASSTHROUGH);
	if (fs->passthrough)
		conn->max_backing_stack_depth = 0; /* no stacked filesystem below */
	if (fs->passthrough && fs->heap->ops->has_dmabufs)
		backing_enable_memory(&fs->kernel, fs->heap->takes_io);
	fs->heap->file_first = fs->kernel.binds && fs->heap->takes_io;
	if (fs->heap->file_first)
		fs->quota.shares = fs->heap;
	fs->direct_mmap = !fs->heap->ops->fixed_size &&
			  fuse_set_feature_flag(conn, FUSE_CAP_DIRECT_IO_ALLOW_MMAP);
}

void open_mode_set_backing(struct fuse_file_info *fi, int id)
{
	fi->backing_id = id;
}

#else

void open_mode_negotiate(struct fs *fs, struct fuse_conn_info *conn)
{
	(void)conn;
	fs->passthrough = false;
	fs->direct_mmap = false;
}

void open_mode_set_backing(struct fuse_file_info *fi, int id)
{
	(void)fi;
	(void)id;
}

#endif

/* The arguments of answer(). */
struct opening {
	const struct fs *fs;
	struct open_file *file;
	struct fuse_file_info *fi;
};

/*
 * A visitor of the buffer. If the kernel is out of memory or ids, or refuses the memory,
 * the data goes through this process.
 */
static int answer(void *context, const struct buffer_memory *memory)
{
	const struct opening *opening = context;
	const struct fs *fs = opening->fs;
	struct backing *backing = opening->file->inode->backing;
	const bool passes = fs->passthrough && memory->file >= 0;
	bool bound = false;
	const int id =
		passes ? backing_open(backing, memory->file, memory->dmabuf, &bound) : -ENOTSUP;
	const struct open_facts facts = {
		.memory = memory->state,
		.passthrough = passes,
		.bound = bound,
		.direct_mmap = fs->direct_mmap,
	};
	enum open_mode mode = open_mode(&facts);

	if (passes && id < 0)
		mode = OPEN_DIRECT;
	else if (mode & OPEN_PASSTHROUGH)
		open_mode_set_backing(opening->fi, id);
	else if (passes)
		backing_close(backing);
	opening->file->mode = mode;
	return 0;
}

static void count(struct counters *counters, enum open_mode mode)
{
	if (mode & OPEN_PASSTHROUGH)
		counters->opens_passthrough++;
	else if (mode & OPEN_DIRECT)
		counters->opens_daemon++;
	else
		counters->opens_cached++;
}

void open_mode_choose(struct fs *fs, struct open_file *file, struct fuse_file_info *fi)
{
	struct opening opening = {.fs = fs, .file = file, .fi = fi};

	buffer_visit(file->inode->buffer, answer, &opening);
	fi->direct_io = !!(file->mode & OPEN_DIRECT);
#ifdef DMAHEAPFS_HAVE_PARALLEL_DIRECT_WRITES
	fi->parallel_direct_writes = fi->direct_io;
#endif
	fi->keep_cache = file->mode == OPEN_CACHED;
#ifdef DMAHEAPFS_HAVE_NOFLUSH
	/*
	 * There is nothing to flush. But without the question a writer past this process would
	 * not hear that it has died, and all bytes are lost. The question waits for a copy
	 * from a hung source into the same file, so readers do not ask.
	 */
	fi->noflush = file->mode != OPEN_CACHED && !open_file_writes(file);
#endif
	count(fs->counters, file->mode);
}
