// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/info.h"

#include "fs/last_copy.h"
#include "fs/open_mode.h"
#include "fs/saved.h"
#include "util/compat.h"
#include "util/scope.h"

#include <inttypes.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>

/* --- the mount ---------------------------------------------------------------------- */

/* A key=value line with a number. */
struct number {
	const char *key;
	uint64_t value;
};

static void print_numbers(FILE *out, const struct number *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s=%" PRIu64 "\n", numbers[i].key, numbers[i].value);
}

static void print_usage(FILE *out, struct fs *fs)
{
	struct fs_usage usage = {};

	fs_usage(fs, &usage);
	const struct number numbers[] = {
		{"memory_used", usage.memory_used},	{"memory_limit", usage.memory_limit},
		{"memory_left_behind", usage.orphaned}, {"inodes_used", usage.files_used},
		{"inodes_limit", usage.files_limit},	{"buffers_limit", usage.buffers_limit},
	};
	const size_t count = sizeof(numbers) / sizeof(numbers[0]);

	print_numbers(out, numbers, fs->heap->ops->in_tmpfs ? count - 1 : count);
}

static void print_counters(FILE *out, struct counters *counters)
{
	const struct number numbers[] = {
		{"opens_passthrough", counters->opens_passthrough},
		{"opens_daemon", counters->opens_daemon},
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

	print_numbers(out, numbers, sizeof(numbers) / sizeof(numbers[0]));
}

static void print_status(FILE *out, struct fs *fs)
{
	const struct supervised *supervised = &fs->saved->head->supervised;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(out, "version=%s\n", DMAHEAPFS_VERSION);
	fprintf(out, "libfuse=%s\n", fuse_pkgversion());
	fprintf(out, "pid=%u\n", supervised->supervisor);
	fprintf(out, "worker=%d\n", getpid());
	fprintf(out, "restarts=%u\n", supervised->starts - 1);
	fprintf(out, "upgrades=%u\n", fs->saved->head->upgrades);
	fprintf(out, "upgrades_refused=%u\n", fs->saved->head->upgrades_refused);
	fprintf(out, "uptime=%jd\n", (intmax_t)(now.tv_sec - fs->since.tv_sec));
	fprintf(out, "heap=%s\n", fs->heap->name);
	fprintf(out, "heap_choice=%s\n", fs->heap->choice);
	fprintf(out, "dmabuf=%s\n", fs->heap->dmabuf);
	fprintf(out, "large_pages=%s\n", fs->heap->large_pages ? "yes" : "no");
	fprintf(out, "passthrough=%s\n", fs->passthrough ? "yes" : "no");
	fprintf(out, "direct_mmap=%s\n", fs->direct_mmap ? "yes" : "no");
	fprintf(out, "nodes=%" PRIu64 "\n", fs->tree.nodes);
	fprintf(out, "open_files=%" PRIu32 "\n", table_count(&fs->saved->handles));
	print_usage(out, fs);
	print_counters(out, fs->counters);
}

static const char *const request_names[OPCODES] = {
	[0] = "OTHER",
	[FUSE_LOOKUP] = "LOOKUP",
	[FUSE_FORGET] = "FORGET",
	[FUSE_GETATTR] = "GETATTR",
	[FUSE_SETATTR] = "SETATTR",
	[FUSE_READLINK] = "READLINK",
	[FUSE_SYMLINK] = "SYMLINK",
	[FUSE_MKNOD] = "MKNOD",
	[FUSE_MKDIR] = "MKDIR",
	[FUSE_UNLINK] = "UNLINK",
	[FUSE_RMDIR] = "RMDIR",
	[FUSE_RENAME] = "RENAME",
	[FUSE_LINK] = "LINK",
	[FUSE_OPEN] = "OPEN",
	[FUSE_READ] = "READ",
	[FUSE_WRITE] = "WRITE",
	[FUSE_STATFS] = "STATFS",
	[FUSE_RELEASE] = "RELEASE",
	[FUSE_FSYNC] = "FSYNC",
	[FUSE_SETXATTR] = "SETXATTR",
	[FUSE_GETXATTR] = "GETXATTR",
	[FUSE_LISTXATTR] = "LISTXATTR",
	[FUSE_REMOVEXATTR] = "REMOVEXATTR",
	[FUSE_FLUSH] = "FLUSH",
	[FUSE_INIT] = "INIT",
	[FUSE_OPENDIR] = "OPENDIR",
	[FUSE_READDIR] = "READDIR",
	[FUSE_RELEASEDIR] = "RELEASEDIR",
	[FUSE_FSYNCDIR] = "FSYNCDIR",
	[FUSE_GETLK] = "GETLK",
	[FUSE_SETLK] = "SETLK",
	[FUSE_SETLKW] = "SETLKW",
	[FUSE_ACCESS] = "ACCESS",
	[FUSE_CREATE] = "CREATE",
	[FUSE_INTERRUPT] = "INTERRUPT",
	[FUSE_IOCTL] = "IOCTL",
	[FUSE_BATCH_FORGET] = "BATCH_FORGET",
	[FUSE_FALLOCATE] = "FALLOCATE",
	[FUSE_READDIRPLUS] = "READDIRPLUS",
	[FUSE_RENAME2] = "RENAME2",
	[FUSE_LSEEK] = "LSEEK",
	[FUSE_COPY_FILE_RANGE] = "COPY_FILE_RANGE",
	[COMPAT_TMPFILE] = "TMPFILE",
	/* in <linux/fuse.h> since 6.6 and 6.18 */
	[52] = "STATX",
	[53] = "COPY_FILE_RANGE_64",
};

/* Those that there were, by kind. */
static void print_requests(FILE *out, const struct counters *counters)
{
	for (unsigned opcode = 0; opcode < OPCODES; opcode++) {
		const uint64_t count = counters->requests[opcode];

		if (count && request_names[opcode])
			fprintf(out, "%s=%" PRIu64 "\n", request_names[opcode], count);
		else if (count)
			fprintf(out, "%u=%" PRIu64 "\n", opcode, count);
	}
}

/* --- a file ------------------------------------------------------------------------- */

/* -ENODATA unless it is a regular file. */
static int stat_regular(struct fs *fs, struct inode *inode, struct stat *st)
{
	const int error = inode_stat(fs, inode, st);

	if (error)
		return error;
	return S_ISREG(st->st_mode) ? 0 : -ENODATA;
}

/* A memory file holds the blocks that it has allocated. */
static int print_capacity(FILE *out, struct fs *fs, struct inode *inode)
{
	struct stat st;
	const int error = stat_regular(fs, inode, &st);

	if (!error)
		fprintf(out, "%" PRIu64, (uint64_t)st.st_blocks * 512);
	return error;
}

static enum buffer_state state_of(struct fs *fs, struct inode *inode)
{
	guard(mutex)(&inode->lock);
	return inode->buffer ? buffer_state(inode->buffer) : buffer_initial_state(fs->heap);
}

/* The pages that a program gets if it opens and maps the file now. */
static const char *pages_of_map(struct fs *fs, enum buffer_state state)
{
	const struct open_facts facts = {
		.memory = state,
		.passthrough = fs->passthrough,
		.bound = fs->kernel.binds,
		.direct_mmap = fs->direct_mmap,
	};
	const bool past = open_mode(&facts) & OPEN_PASSTHROUGH;

	switch (state) {
	case BUFFER_FILE:
	case BUFFER_EXPORTED_FILE:
		if (past && fs->heap->large_pages && state == BUFFER_FILE)
			return "memory, large pages";
		return past ? "memory" : "cache";
	case BUFFER_DMABUF:
		return past ? "dmabuf" : "none";
	case BUFFER_EMPTY:
		break;
	}
	return "none";
}

static int print_map(FILE *out, struct fs *fs, struct inode *inode)
{
	struct stat st;
	const int error = stat_regular(fs, inode, &st);

	if (!error)
		fputs(pages_of_map(fs, state_of(fs, inode)), out);
	return error;
}

static int print(FILE *out, struct fs *fs, struct inode *inode, const char *name)
{
	if (!strcmp(name, "capacity"))
		return print_capacity(out, fs, inode);
	if (!strcmp(name, "copy"))
		return last_copy_print(out, fs, inode);
	if (!strcmp(name, "map"))
		return print_map(out, fs, inode);
	if (!strcmp(name, "heap"))
		fputs(fs->heap->name, out);
	else if (!strcmp(name, "dmabuf"))
		fputs(fs->heap->dmabuf, out);
	else if (!strcmp(name, "status") && inode->node.ino == FUSE_ROOT_ID)
		print_status(out, fs);
	else if (!strcmp(name, "requests") && inode->node.ino == FUSE_ROOT_ID)
		print_requests(out, fs->counters);
	else
		return -ENODATA;
	return 0;
}

ssize_t info_xattr(struct fs *fs, struct inode *inode, const char *name, char **text)
{
	size_t length = 0;
	FILE *out = open_memstream(text, &length);

	if (!out)
		return -ENOMEM;
	int error = print(out, fs, inode, name);

	if (fclose(out) && !error)
		error = -ENOMEM;
	return error ? error : (ssize_t)length;
}
