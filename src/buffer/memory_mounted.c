// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file of a mount that another process serves, opened by a client such as
 * dmaheapctl. The daemon keeps size and memory. If mmap(2) of the file gives the
 * buffer's own pages, I/O can go into them from here, too.
 */
#include "buffer/lock.h"
#include "buffer/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

/* What the mount says in an attribute, see dmaheapfs(8). */
static bool begins_with(struct buffer *buffer, const char *attribute, const char *start)
{
	char text[32] = "";

	return fgetxattr(buffer->file, attribute, text, sizeof(text) - 1) > 0 &&
	       !strncmp(text, start, strlen(start));
}

/* A map gives the memory's own pages, and will: a file on a dma-heap becomes a dma-buf. */
static enum buffer_access mounted_access(struct buffer *buffer)
{
	const bool is_memory_file = begins_with(buffer, "user.dmaheap.map", "memory") &&
				    !begins_with(buffer, "user.dmaheap.dmabuf", "yes: dma-heap");

	return is_memory_file ? BUFFER_ACCESS_IO : BUFFER_ACCESS_CALLS;
}

static bool mounted_has_large_pages(struct buffer *buffer)
{
	return begins_with(buffer, "user.dmaheap.map", "memory, large pages");
}

static int mounted_copy_fd(struct buffer *buffer)
{
	return buffer->file;
}

/* The pages of a mappable file come with the bytes. Others are reserved now. */
static int mounted_begin_fill(struct buffer *buffer, struct buffer_fill *fill)
{
	if (mounted_access(buffer) == BUFFER_ACCESS_IO)
		return file_begin_fill(buffer, fill);
	fill->old_size = fill->set_size = (uint64_t)file_size(buffer);
	return fallocate(buffer->file, FALLOC_FL_KEEP_SIZE, fill->offset, (off_t)fill->length)
		       ? -errno
		       : 0;
}

/* Cuts off bytes behind those that arrived. The daemon zeroes them if it grows again. */
static int mounted_finish_fill(struct buffer *buffer, uint64_t size, uint64_t waste,
			       uint64_t waste_end)
{
	(void)size;
	(void)waste_end;
	return waste < (uint64_t)file_size(buffer) ? file_truncate(buffer, (off_t)waste) : 0;
}

/* The fd is the caller's. */
static void mounted_release(struct buffer *buffer)
{
	(void)buffer;
}

const struct memory_ops memory_mounted = {
	.state = BUFFER_FILE,
	.read = file_read,
	.write = file_write,
	.seek = file_seek,
	.size = file_size,
	.get_access = mounted_access,
	.has_large_pages = mounted_has_large_pages,
	.copy_fd = mounted_copy_fd,
	.open_window = file_open_window,
	.close_window = file_close_window,
	.truncate = file_truncate,
	.begin_fill = mounted_begin_fill,
	.finish_fill = mounted_finish_fill,
	.release = mounted_release,
};
