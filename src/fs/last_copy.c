// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/last_copy.h"

#include "fs/inode.h"
#include "util/fd_path.h"
#include "util/scope.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/xattr.h>

/* --- the attribute in the tree: copies by this process and by dmaheapctl ----------- */

/* An fd for the attribute's calls, or -errno. */
static int open_inode(struct fs *fs, struct inode *inode)
{
	return node_open(&fs->tree, &inode->node, O_PATH | O_NOFOLLOW);
}

static int store(struct fs *fs, struct inode *inode, const char *text, size_t size)
{
	scope(fd) int file = open_inode(fs, inode);

	if (file < 0)
		return file;
	return setxattr(fd_path(file).text, LAST_COPY_ATTRIBUTE, text, size, 0) ? -errno : 0;
}

static ssize_t load(struct fs *fs, struct inode *inode, char text[static COPY_LINE_BYTES])
{
	scope(fd) int file = open_inode(fs, inode);

	if (file < 0)
		return file;
	const ssize_t length =
		getxattr(fd_path(file).text, LAST_COPY_ATTRIBUTE, text, COPY_LINE_BYTES);

	return length < 0 ? -errno : length;
}

static void erase(struct fs *fs, struct inode *inode)
{
	scope(fd) int file = open_inode(fs, inode);

	if (file >= 0)
		removexattr(fd_path(file).text, LAST_COPY_ATTRIBUTE);
}

void last_copy_record(struct fs *fs, struct inode *inode, const struct copy_report *report,
		      const struct copy_report *whole)
{
	char line[COPY_LINE_BYTES];

	fs->counters->loads++;
	fs->counters->loads_direct += report->direct;
	fs->counters->loaded_bytes += report->bytes;
	copy_report_print(whole, line);
	/* An error, as when the tree is full, does not matter to the copy. */
	store(fs, inode, line, strlen(line));
}

int last_copy_store(struct fs *fs, struct inode *inode, const char *text, size_t size)
{
	static const char start[] = "engine=";

	if (size >= COPY_LINE_BYTES || size < strlen(start) || strncmp(text, start, strlen(start)))
		return -EINVAL;
	for (size_t i = 0; i < size; i++)
		if (!isascii(text[i]) || !isprint(text[i]))
			return -EINVAL;
	return store(fs, inode, text, size);
}

/* --- the kernel's counters --------------------------------------------------------- */

static struct fuse_memory_stat difference(const struct fuse_memory_stat *now,
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

/* The last copy, even if it is still in progress. @now becomes the current counters. */
static struct fuse_memory_stat last_by_kernel(const struct backing *backing,
					      struct fuse_memory_stat *now)
{
	if (!backing_count(backing, now))
		return backing->copied;
	const struct fuse_memory_stat new = difference(now, &backing->counted);

	return new.copies ? new : backing->copied;
}

void last_copy_note(struct inode *inode)
{
	struct fuse_memory_stat now;
	guard(mutex)(&inode->lock);
	struct backing *backing = inode->backing;

	if (!backing)
		return;
	backing->copied = last_by_kernel(backing, &now);
	backing->counted = now;
}

static const char *explain_kernel(uint32_t why)
{
	static const char *const texts[] = {
		[FUSE_MEMORY_DIRECT] = "the disk moved the bytes by itself",
		[FUSE_MEMORY_NO_DIRECT] = "the other file has no direct I/O",
		[FUSE_MEMORY_CACHED] = "most of the other file is in the page cache",
		[FUSE_MEMORY_UNALIGNED] = "the positions differ within a page",
		[FUSE_MEMORY_REFUSED] = "the other filesystem refused direct I/O",
		[FUSE_MEMORY_FAILED] = "it failed",
	};

	return why < sizeof(texts) / sizeof(texts[0]) ? texts[why] : "the kernel does not say";
}

/* Prints the last copy by the kernel. -ENODATA: there is none. */
static int print_by_kernel(FILE *out, struct inode *inode)
{
	struct fuse_memory_stat now;
	guard(mutex)(&inode->lock);
	struct backing *backing = inode->backing;

	if (!backing)
		return -ENODATA;
	const struct fuse_memory_stat copy = last_by_kernel(backing, &now);
	const uint64_t direct = copy.in_direct + copy.out_direct;
	const uint64_t bytes = direct + copy.in_buffered + copy.out_buffered;

	if (!bytes && !copy.error)
		return -ENODATA;
	fprintf(out,
		"engine=copy_file_range direct=%s bytes=%" PRIu64 " seconds=unknown reason=%s%s%s",
		direct ? "yes" : "no", bytes, explain_kernel(copy.why), copy.error ? ": " : "",
		copy.error ? strerror(-copy.error) : "");
	return 0;
}

/* --- the answer -------------------------------------------------------------------- */

void last_copy_forget(struct fs *fs, struct inode *inode)
{
	erase(fs, inode);
	last_copy_note(inode);
	guard(mutex)(&inode->lock);
	inode_kept(inode)->last_writer = WRITTEN_BY_KERNEL;
	if (inode->backing)
		inode->backing->copied = (struct fuse_memory_stat){};
}

/* No copy is known, but the way in which bytes came is. */
static void print_last_writer(FILE *out, const struct fs *fs, const struct inode *inode,
			      const struct stat *st)
{
	const bool can_pass = fs->passthrough && (!fs->heap->ops->fixed_size || fs->kernel.binds);
	const bool past = can_pass && inode_kept(inode)->last_writer == WRITTEN_BY_KERNEL;
	const bool is_file = !inode->buffer || buffer_state(inode->buffer) != BUFFER_DMABUF;
	/* The kernel reports only its copies of dma-bufs. */
	const bool unknown = past && is_file && fs->heap->kernel_copies;

	fprintf(out, "engine=%s direct=%s bytes=%jd seconds=unknown reason=%s",
		past ? "passthrough" : "daemon", unknown ? "unknown" : "no", (intmax_t)st->st_size,
		past ? "written by the kernel, past the daemon, which saw no copy"
		: inode_kept(inode)->last_writer == COPIED_HERE
			? "copied from another file of the mount"
			: "written through the daemon, which saw no copy");
}

int last_copy_print(FILE *out, struct fs *fs, struct inode *inode)
{
	char line[COPY_LINE_BYTES];
	const ssize_t length = load(fs, inode, line);
	struct stat st;

	if (length >= 0) {
		fwrite(line, 1, (size_t)length, out);
		return 0;
	}
	const int error = inode_stat(fs, inode, &st);

	if (error)
		return error;
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return -ENODATA;
	if (print_by_kernel(out, inode))
		print_last_writer(out, fs, inode, &st);
	return 0;
}
