// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/status.h"

#include "fs/copied.h"
#include "fs/passthrough.h"
#include "util/scope.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

static void print_limits(FILE *out, struct fs *fs)
{
	struct statvfs st = {};

	fstatvfs(fs->tree.mount, &st);
	fprintf(out, "inodes_used=%" PRIu64 "\n", (uint64_t)(st.f_files - st.f_ffree));
	fprintf(out, "inodes_limit=%" PRIu64 "\n", (uint64_t)st.f_files);
	if (fs->heap->ops->memory != HEAP_TREE_FILE)
		fprintf(out, "buffers_limit=%" PRIu64 "\n", fs_most_buffers());
}

static void print_memory(FILE *out, struct fs *fs)
{
	struct statvfs st = {};
	const uint64_t left_behind = budget_collect(&fs->budget);
	uint64_t used = fs->budget.used, limit = fs->budget.limit;

	if (fs->heap->ops->memory == HEAP_TREE_FILE && !fstatvfs(fs->tree.mount, &st)) {
		used = (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize;
		limit = (uint64_t)st.f_blocks * st.f_frsize;
	}
	fprintf(out, "memory_used=%" PRIu64 "\n", used);
	fprintf(out, "memory_limit=%" PRIu64 "\n", limit);
	fprintf(out, "memory_left_behind=%" PRIu64 "\n", left_behind);
}

static void print_counters(FILE *out, struct counters *counters)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"opens_passthrough", counters->opens_passthrough},
		{"opens_direct", counters->opens_direct},
		{"opens_cached", counters->opens_cached},
		{"reads", counters->reads},
		{"read_bytes", counters->read_bytes},
		{"writes", counters->writes},
		{"written_bytes", counters->written_bytes},
		{"copies", counters->copies},
		{"copied_bytes", counters->copied_bytes},
		{"loads", counters->loads},
		{"loads_direct", counters->loads_direct},
		{"loaded_bytes", counters->loaded_bytes},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(out, "%s=%" PRIu64 "\n", rows[i].name, rows[i].value);
}

static void print_status(FILE *out, struct fs *fs)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(out, "version=%s\n", DMAHEAPFS_VERSION);
	fprintf(out, "libfuse=%s\n", fuse_pkgversion());
	fprintf(out, "pid=%d\n", getpid());
	fprintf(out, "uptime=%jd\n", (intmax_t)(now.tv_sec - fs->since.tv_sec));
	fprintf(out, "heap=%s\n", fs->heap->name);
	fprintf(out, "heap_choice=%s\n", fs->heap->choice);
	fprintf(out, "dmabuf=%s\n", fs->heap->dmabuf);
	fprintf(out, "large_pages=%s\n", fs->heap->large_pages ? "yes" : "no");
	fprintf(out, "passthrough=%s\n", fs->passthrough ? "yes" : "no");
	fprintf(out, "direct_mmap=%s\n", fs->direct_mmap ? "yes" : "no");
	fprintf(out, "nodes=%" PRIu64 "\n", fs->tree.nodes);
	print_memory(out, fs);
	print_limits(out, fs);
	print_counters(out, &fs->counters);
}

static int print_capacity(FILE *out, struct fs *fs, struct node *node)
{
	struct stat st;
	int error = fs_stat(fs, node, &st);

	if (error)
		return error;
	if (!S_ISREG(st.st_mode))
		return -ENODATA;
	/* Where the memory is a file, what it has blocks for is what it holds. */
	fprintf(out, "%" PRIu64, (uint64_t)st.st_blocks * 512);
	return 0;
}

/* Without a buffer yet, as it will be. */
static enum buffer_state state_of(struct fs *fs, struct node *node)
{
	with_lock(&node->lock);
	if (node->buffer)
		return buffer_state(node->buffer);
	return fs->heap->ops->memory == HEAP_PAGES ? BUFFER_EMPTY : BUFFER_SIZED_BY_KERNEL;
}

/* As seen by who opens the file now. */
static const char *what_mmap_gives(struct fs *fs, enum buffer_state state)
{
	const struct open_facts facts = {
		.memory = state,
		.passthrough = fs->passthrough,
		.binds = fs->kernel.binds,
		.direct_mmap = fs->direct_mmap,
	};
	const bool past = open_mode(&facts) & OPEN_PASSTHROUGH;

	switch (state) {
	case BUFFER_SIZED_BY_KERNEL:
	case BUFFER_PINNED_FILE:
		if (past && fs->heap->large_pages && state == BUFFER_SIZED_BY_KERNEL)
			return "memory, large pages";
		return past ? "memory" : "cache";
	case BUFFER_PAGES:
		return past ? "dmabuf" : "none";
	case BUFFER_EMPTY:
		break;
	}
	return "none";
}

static int print_map(FILE *out, struct fs *fs, struct node *node)
{
	struct stat st;
	int error = fs_stat(fs, node, &st);

	if (error)
		return error;
	if (!S_ISREG(st.st_mode))
		return -ENODATA;
	fputs(what_mmap_gives(fs, state_of(fs, node)), out);
	return 0;
}

ssize_t status_xattr(struct fs *fs, struct node *node, const char *name, char **text)
{
	size_t length = 0;
	FILE *out = open_memstream(text, &length);
	int error = 0;

	if (!out)
		return -ENOMEM;
	if (!strcmp(name, "heap"))
		fputs(fs->heap->name, out);
	else if (!strcmp(name, "dmabuf"))
		fputs(fs->heap->dmabuf, out);
	else if (!strcmp(name, "capacity"))
		error = print_capacity(out, fs, node);
	else if (!strcmp(name, "copy"))
		error = copied_print(out, fs, node);
	else if (!strcmp(name, "map"))
		error = print_map(out, fs, node);
	else if (!strcmp(name, "status") && node->ino == FUSE_ROOT_ID)
		print_status(out, fs);
	else
		error = -ENODATA;
	if (fclose(out) && !error)
		error = -ENOMEM;
	return error ? error : (ssize_t)length;
}
