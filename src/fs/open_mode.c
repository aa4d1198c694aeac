// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/open_mode.h"

#include "fs/file.h"
#include "util/user_namespace.h"

#include <fcntl.h>
#include <unistd.h>

/*
 * Every state of the memory on every kernel. The opens of one inode may mix passthrough
 * and direct I/O, but not with cached ones.
 */
static const struct row {
	struct open_facts facts;
	enum open_mode mode;
} table[] = {
	/* memory, passthrough, binds, direct_mmap, appends → mode */
	{{BUFFER_FILE, 1, ANY, ANY, ANY}, OPEN_PASSTHROUGH},
	{{BUFFER_FILE, 0, ANY, 1, ANY}, OPEN_DIRECT},
	/* Half as fast, but shared mappings must be possible. */
	{{BUFFER_FILE, 0, ANY, 0, ANY}, OPEN_CACHED},
	/* The file is longer than the data and sealed, so only mappings bypass the buffer. */
	{{BUFFER_EXPORTED_FILE, 1, ANY, ANY, ANY}, OPEN_PASSTHROUGH | OPEN_DIRECT},
	{{BUFFER_EXPORTED_FILE, 0, ANY, ANY, ANY}, OPEN_DIRECT},
	{{BUFFER_DMABUF, 1, 1, ANY, 0}, OPEN_PASSTHROUGH},
	/* Appending grows the memory, which cannot change under a passthrough open. */
	{{BUFFER_DMABUF, 1, 1, ANY, 1}, OPEN_DIRECT},
	{{BUFFER_DMABUF, 0, 1, ANY, ANY}, OPEN_DIRECT},
	/* FUSE cannot map pages of a dma-buf. With direct I/O mmap(2) is a clean ENODEV. */
	{{BUFFER_DMABUF, ANY, 0, ANY, ANY}, OPEN_DIRECT},
	{{BUFFER_EMPTY, ANY, ANY, ANY, ANY}, OPEN_DIRECT},
};

static bool fits(int wanted, int is)
{
	return wanted == ANY || wanted == is;
}

static bool matches(const struct open_facts *row, const struct open_facts *facts)
{
	return row->memory == facts->memory && fits(row->passthrough, facts->passthrough) &&
	       fits(row->binds, facts->binds) && fits(row->direct_mmap, facts->direct_mmap) &&
	       fits(row->appends, facts->appends);
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
		backing_enable_memory(&fs->kernel);
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
 * The state to answer by. A memory file that was exported, or replaced by an import, is a
 * dma-buf if the kernel can bind that now. It cannot while passthrough opens from before
 * use the file.
 */
static enum buffer_state current_state(const struct fs *fs, struct backing *backing,
				       const struct buffer_memory *memory)
{
	if (fs->heap->ops->fixed_size || memory->dmabuf < 0 || !fs->kernel.binds)
		return memory->state;
	return backing_bind(backing, memory->dmabuf) ? BUFFER_EXPORTED_FILE : BUFFER_DMABUF;
}

/*
 * A visitor of the buffer. If the kernel is out of memory or ids, or refuses the memory,
 * the data goes through this process.
 */
static int answer(void *context, const struct buffer_memory *memory)
{
	const struct opening *opening = context;
	const struct fs *fs = opening->fs;
	struct backing *backing = opening->file->inode->backing;
	const enum buffer_state state = current_state(fs, backing, memory);
	const bool is_dmabuf = state == BUFFER_DMABUF;
	const int fd = is_dmabuf ? memory->dmabuf : memory->file;
	const struct open_facts facts = {
		.memory = state,
		.passthrough = fs->passthrough,
		.binds = fs->kernel.binds,
		.direct_mmap = fs->direct_mmap,
		.appends = !!(opening->file->flags & O_APPEND),
	};
	enum open_mode mode = open_mode(&facts);
	const int id = mode & OPEN_PASSTHROUGH ? backing_open(backing, fd, is_dmabuf) : 0;

	if (id < 0)
		mode = OPEN_DIRECT;
	else
		open_mode_set_backing(opening->fi, id);
	if (is_dmabuf && !(mode & OPEN_PASSTHROUGH))
		backing_bind(backing, fd);
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
	/*
	 * There is nothing to flush. But without the question a writer past this process would
	 * not hear that it has died, and all bytes are lost. The question waits for a copy
	 * from a hung source into the same file, so readers do not ask.
	 */
	fi->noflush = file->mode != OPEN_CACHED && !open_file_writes(file);
	count(&fs->counters, file->mode);
}
