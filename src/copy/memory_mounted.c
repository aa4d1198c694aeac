// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file of a mount as the end of a copy, for who has it open like any other
 * program. Where mmap(2) of it gives the buffer's real pages, which the mount
 * says, I/O can land in them as it does in the daemon.
 */
#include "copy/memory_end.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* What the mount says that mmap(2) gives, see dmaheapfs(8). */
static bool map_gives(int file, const char *what)
{
	char text[32] = "";

	return fgetxattr(file, "user.dmaheap.map", text, sizeof(text) - 1) > 0 &&
	       !strncmp(text, what, strlen(what));
}

static bool maps_memory(int file)
{
	return map_gives(file, "memory");
}

/* As buffer_fill_begin(): the pages of what can be mapped come with the bytes. */
static int reserve(struct copy_memory *memory, off_t offset, uint64_t length)
{
	const uint64_t end = (uint64_t)offset + length;

	if (!memory->mapped)
		return fallocate(memory->file, FALLOC_FL_KEEP_SIZE, offset, (off_t)length) ? -errno
											   : 0;
	if (end <= memory->fill.old_size)
		return 0;
	return ftruncate(memory->file, (off_t)end) ? -errno : 0;
}

static uint64_t size(struct copy_memory *memory)
{
	struct stat st;

	return fstat(memory->file, &st) ? 0 : (uint64_t)st.st_size;
}

static int begin(struct copy_memory *memory, off_t offset, uint64_t length, uint64_t room)
{
	(void)room;
	memory->mapped = maps_memory(memory->file);
	memory->fill = (struct buffer_fill){.offset = offset, .old_size = size(memory)};
	return reserve(memory, offset, length);
}

static int finish(struct copy_memory *memory, uint64_t arrived, uint64_t touched)
{
	uint64_t end = arrived ? (uint64_t)memory->fill.offset + arrived : 0;

	(void)touched;
	if (end < memory->fill.old_size)
		end = memory->fill.old_size;
	if (end >= size(memory))
		return 0;
	return ftruncate(memory->file, (off_t)end) ? -errno : 0;
}

static enum copy_reach reach(struct copy_memory *memory)
{
	memory->mapped = maps_memory(memory->file);
	return memory->mapped ? COPY_REACH_IO : COPY_REACH_CALLS;
}

static bool has_large_pages(struct copy_memory *memory)
{
	return map_gives(memory->file, "memory, large pages");
}

static off_t seek(struct copy_memory *memory, off_t offset, int whence)
{
	off_t found = lseek(memory->file, offset, whence);

	return found < 0 ? -errno : found;
}

static int open_window(struct copy_memory *memory, struct copy_window *window, off_t offset,
		       size_t length, bool write)
{
	const int protection = PROT_READ | (write ? PROT_WRITE : 0);
	const off_t before = offset & (sysconf(_SC_PAGESIZE) - 1);

	window->size = length;
	window->map_size = length + (size_t)before;
	window->map =
		mmap(NULL, window->map_size, protection, MAP_SHARED, memory->file, offset - before);
	if (window->map == MAP_FAILED)
		return -errno;
	madvise(window->map, window->map_size, MADV_HUGEPAGE);
	window->bytes = (char *)window->map + before;
	return 0;
}

static int close_window(struct copy_memory *memory, struct copy_window *window)
{
	(void)memory;
	return munmap(window->map, window->map_size) ? -errno : 0;
}

static ssize_t read_bytes(struct copy_memory *memory, void *data, size_t length, off_t offset)
{
	ssize_t n = pread(memory->file, data, length, offset);

	return n < 0 ? -errno : n;
}

static ssize_t write_bytes(struct copy_memory *memory, const void *data, size_t length,
			   off_t offset)
{
	ssize_t n = pwrite(memory->file, data, length, offset);

	return n < 0 ? -errno : n;
}

static bool kernel_may_copy(struct copy_memory *memory)
{
	(void)memory;
	return true;
}

static ssize_t copy_in(struct copy_memory *memory, off_t offset, int from, off_t from_offset,
		       size_t length)
{
	ssize_t n = copy_file_range(from, &from_offset, memory->file, &offset, length, 0);

	return n < 0 ? -errno : n;
}

static ssize_t copy_out(struct copy_memory *memory, off_t offset, int to, off_t to_offset,
			size_t length)
{
	ssize_t n = copy_file_range(memory->file, &offset, to, &to_offset, length, 0);

	return n < 0 ? -errno : n;
}

struct copy_memory copy_memory_of_file(int file)
{
	static const struct copy_memory_ops ops = {
		.begin = begin,
		.finish = finish,
		.reach = reach,
		.has_large_pages = has_large_pages,
		.size = size,
		.seek = seek,
		.open_window = open_window,
		.close_window = close_window,
		.read = read_bytes,
		.write = write_bytes,
		.kernel_may_copy = kernel_may_copy,
		.copy_in = copy_in,
		.copy_out = copy_out,
	};

	return (struct copy_memory){.ops = &ops, .file = file};
}
