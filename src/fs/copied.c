// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/copied.h"

#include "util/scope.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/xattr.h>

/* Calls @use with a path that names the node's file itself. */
static ssize_t with_path(struct fs *fs, struct node *node,
			 ssize_t (*use)(const char *path, char *text, size_t size), char *text,
			 size_t size)
{
	scope(fd) int file = node_open(&fs->tree, node, O_PATH | O_NOFOLLOW);
	char path[32];
	ssize_t n;

	if (file < 0)
		return file;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	n = use(path, text, size);
	return n < 0 ? -errno : n;
}

static ssize_t set(const char *path, char *text, size_t size)
{
	return setxattr(path, COPIED_ATTRIBUTE, text, size, 0);
}

static ssize_t get(const char *path, char *text, size_t size)
{
	return getxattr(path, COPIED_ATTRIBUTE, text, size);
}

static ssize_t forget(const char *path, char *text, size_t size)
{
	(void)text;
	(void)size;
	return removexattr(path, COPIED_ATTRIBUTE);
}

void copied_record(struct fs *fs, struct node *node, const struct copy_report *report,
		   const struct copy_report *whole)
{
	char line[COPY_LINE_BYTES];

	fs->counters.loads++;
	fs->counters.loads_direct += report->direct;
	fs->counters.loaded_bytes += report->bytes;
	copy_report_print(whole, line);
	/* Where the tree is full the copy is no worse for it. */
	with_path(fs, node, set, line, strlen(line));
}

int copied_accept(struct fs *fs, struct node *node, const char *text, size_t size)
{
	char line[COPY_LINE_BYTES];

	if (size >= sizeof(line) || size < 7 || strncmp(text, "engine=", 7))
		return -EINVAL;
	for (size_t i = 0; i < size; i++)
		if (!isascii(text[i]) || !isprint(text[i]))
			return -EINVAL;
	memcpy(line, text, size);
	return (int)with_path(fs, node, set, line, size);
}

void copied_forget(struct fs *fs, struct node *node)
{
	with_path(fs, node, forget, NULL, 0);
	with_lock(&node->lock);
	node->written = WRITTEN_PAST;
	if (node->backing)
		backing_forget_copies(node->backing);
}

/* Nobody has told of a copy, so all that is known is which way bytes have come. */
static void print_guess(FILE *out, const struct fs *fs, const struct node *node,
			const struct stat *st, bool busy)
{
	const bool can_pass =
		fs->passthrough && (fs->heap->ops->memory != HEAP_PAGES || fs->kernel.binds);
	const bool past = can_pass && node->written == WRITTEN_PAST;

	fprintf(out, "engine=%s direct=no bytes=%jd seconds=unknown reason=%s",
		past ? "passthrough" : "daemon", (intmax_t)st->st_size,
		busy   ? "a device or the kernel is using the memory, so the tool read and wrote"
		: past ? "written by the kernel, past the daemon, which saw no copy"
		: node->written == COPIED_HERE
			? "copied from another file of the mount"
			: "written through the daemon, which saw no copy");
}

static int describe_kernel_copy(struct node *node, char *line, size_t size)
{
	with_lock(&node->lock);
	return node->backing ? backing_describe_copy(node->backing, line, size) : -ENODATA;
}

int copied_print(FILE *out, struct fs *fs, struct node *node)
{
	char line[COPY_LINE_BYTES];
	ssize_t n = with_path(fs, node, get, line, sizeof(line));
	struct stat st;
	int error = n < 0 ? fs_stat(fs, node, &st) : 0;

	if (error)
		return error;
	if (n >= 0) {
		fwrite(line, 1, (size_t)n, out);
		return 0;
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return -ENODATA;
	error = describe_kernel_copy(node, line, sizeof(line));
	if (!error)
		fputs(line, out);
	else
		print_guess(out, fs, node, &st, error == -EBUSY);
	return 0;
}
