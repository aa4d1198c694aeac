// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/passthrough.h"

#include "fs/backing.h"
#include "util/scope.h"

#include <fcntl.h>

/*
 * Every state of the memory on every kernel. An inode's opens may mix
 * passthrough and direct I/O, but neither with cached ones.
 */
static const struct row {
	struct open_facts facts;
	enum open_mode mode;
} table[] = {
	/* memory, passthrough, binds, direct_mmap, appends → mode */
	{{BUFFER_SIZED_BY_KERNEL, 1, ANY, ANY, ANY}, OPEN_PASSTHROUGH},
	{{BUFFER_SIZED_BY_KERNEL, 0, ANY, 1, ANY}, OPEN_DIRECT},
	/* Half as fast, but a shared mapping has to be possible. */
	{{BUFFER_SIZED_BY_KERNEL, 0, ANY, 0, ANY}, OPEN_CACHED},
	/* The file is longer than the data, and can't shrink: only mmap goes past. */
	{{BUFFER_PINNED_FILE, 1, ANY, ANY, ANY}, OPEN_PASSTHROUGH | OPEN_DIRECT},
	{{BUFFER_PINNED_FILE, 0, ANY, ANY, ANY}, OPEN_DIRECT},
	{{BUFFER_PAGES, 1, 1, ANY, 0}, OPEN_PASSTHROUGH},
	/* Appending makes the memory grow, and it can't under an open that goes past. */
	{{BUFFER_PAGES, 1, 1, ANY, 1}, OPEN_DIRECT},
	{{BUFFER_PAGES, 0, 1, ANY, ANY}, OPEN_DIRECT},
	/* No page of a dma-buf can be mapped through FUSE: a clean ENODEV. */
	{{BUFFER_PAGES, ANY, 0, ANY, ANY}, OPEN_DIRECT},
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

void passthrough_negotiate(struct fs *fs, struct fuse_conn_info *conn)
{
	/* Wants CAP_SYS_ADMIN, which the kernel checks when a file is handed over. */
	fs->passthrough = geteuid() == 0 && fuse_set_feature_flag(conn, FUSE_CAP_PASSTHROUGH);
	if (fs->passthrough)
		conn->max_backing_stack_depth = 0; /* memory lies on nothing */
	if (fs->passthrough && *fs->heap->dmabuf == 'y')
		backing_enable_memory(&fs->kernel);
	if (fs->kernel.binds)
		heap_make_pages(fs->heap);
	fs->direct_mmap = fs->heap->ops->memory != HEAP_PAGES &&
			  fuse_set_feature_flag(conn, FUSE_CAP_DIRECT_IO_ALLOW_MMAP);
}

void passthrough_set(struct fuse_file_info *fi, int id)
{
	fi->backing_id = id;
}

#else

void passthrough_negotiate(struct fs *fs, struct fuse_conn_info *conn)
{
	(void)conn;
	fs->passthrough = false;
	fs->direct_mmap = false;
}

void passthrough_set(struct fuse_file_info *fi, int id)
{
	(void)fi;
	(void)id;
}

#endif

/* An open on its way to be answered, for a visitor of its buffer. */
struct opening {
	const struct fs *fs;
	struct backing *backing;
	struct fuse_file_info *fi;
	enum open_mode mode; /* how it is answered */
};

/*
 * The kernel may be out of memory or ids, or refuse the memory: then data comes
 * here.
 */
static int answer(void *context, enum buffer_state memory, int file)
{
	struct opening *opening = context;
	struct fuse_file_info *fi = opening->fi;
	const struct open_facts facts = {
		.memory = memory,
		.passthrough = opening->fs->passthrough,
		.binds = opening->fs->kernel.binds,
		.direct_mmap = opening->fs->direct_mmap,
		.appends = !!(fi->flags & O_APPEND),
	};
	enum open_mode mode = open_mode(&facts);
	int id = mode & OPEN_PASSTHROUGH ? backing_open(opening->backing, file) : 0;

	if (id < 0)
		mode = OPEN_DIRECT;
	else
		passthrough_set(fi, id);
	if (memory == BUFFER_PAGES && !(mode & OPEN_PASSTHROUGH))
		backing_bind(opening->backing, file);
	opening->mode = mode;
	return 0;
}

static void count(struct counters *counters, enum open_mode mode)
{
	if (mode & OPEN_PASSTHROUGH)
		counters->opens_passthrough++;
	else if (mode & OPEN_DIRECT)
		counters->opens_direct++;
	else
		counters->opens_cached++;
}

static uint64_t rights(int flags)
{
	const int access = flags & O_ACCMODE;

	return (access == O_RDONLY || access == O_RDWR ? OPEN_READS : 0) |
	       (access == O_WRONLY || access == O_RDWR ? OPEN_WRITES : 0);
}

void passthrough_choose(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct opening opening = {.fs = fs, .backing = node->backing, .fi = fi};

	buffer_visit(node->buffer, answer, &opening);
	const enum open_mode mode = opening.mode;

	/* For the release, and for who asks for the memory itself. */
	fi->fh = mode | rights(fi->flags) | ++fs->opens * OPEN_NUMBER;
	fi->direct_io = !!(mode & OPEN_DIRECT);
#ifdef DMAHEAPFS_HAVE_PARALLEL_DIRECT_WRITES
	fi->parallel_direct_writes = fi->direct_io;
#endif
	fi->keep_cache = mode == OPEN_CACHED;
	/* Closing would wait for a copy from a hung source, and there is nothing to flush. */
	fi->noflush = mode != OPEN_CACHED;
	count(&fs->counters, mode);
}

void passthrough_end(struct node *node, const struct fuse_file_info *fi)
{
	if (fi->fh & OPEN_PASSTHROUGH)
		backing_close(node->backing);
}
