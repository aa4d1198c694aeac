// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/pages_io.h"

#include "buffer/memory.h"
#include "util/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE (1u << 20)

/* A stay in the memory of @pages; where @map is NULL, the kernel is asked for the bytes. */
struct stay {
	const struct pages *pages;
	struct cpu_access access;
	char *map;
};

static int enter(struct stay *stay, struct buffer *buffer, struct pages *pages,
		 struct bracket *bracket, bool write)
{
	int err;

	*stay = (struct stay){.pages = pages,
			      .access = {.bracket = bracket,
					 .heap = buffer->heap,
					 .fd = pages->dmabuf,
					 .write = write,
					 .by_kernel = pages->takes_io}};
	err = pages->takes_io ? 0 : pages_map(pages, &stay->map);
	return err ? err : cpu_access_begin(&stay->access);
}

static int enter_own(struct stay *stay, struct buffer *buffer, bool write)
{
	return enter(stay, buffer, &buffer->pages, &buffer->bracket, write);
}

static int leave(struct stay *stay, int err)
{
	int end_err = cpu_access_end(&stay->access);

	return err ? err : end_err;
}

/* Where they come from, or where they go to; the other one is NULL. */
struct bytes {
	const char *from;
	char *to;
};

static ssize_t ask_kernel(int dmabuf, struct bytes bytes, size_t size, off_t offset)
{
	ssize_t n;

	do {
		n = bytes.from ? pwrite(dmabuf, bytes.from, size, offset)
			       : pread(dmabuf, bytes.to, size, offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -EIO : n;
}

static struct bytes behind(struct bytes bytes, size_t size)
{
	return (struct bytes){.from = bytes.from ? bytes.from + size : NULL,
			      .to = bytes.to ? bytes.to + size : NULL};
}

static int ask_for_all(int dmabuf, struct bytes bytes, size_t size, off_t offset, size_t *moved)
{
	for (*moved = 0; *moved < size;) {
		ssize_t n = ask_kernel(dmabuf, behind(bytes, *moved), size - *moved,
				       offset + (off_t)*moved);

		if (n < 0)
			return (int)n;
		*moved += (size_t)n;
	}
	return 0;
}

static int move(const struct stay *stay, struct bytes bytes, size_t size, off_t offset,
		size_t *moved)
{
	if (!stay->map)
		return ask_for_all(stay->pages->dmabuf, bytes, size, offset, moved);
	if (bytes.from)
		memcpy(stay->map + offset, bytes.from, size);
	else
		memcpy(bytes.to, stay->map + offset, size);
	*moved = size;
	return 0;
}

int pages_get(struct buffer *buffer, void *data, size_t size, off_t offset)
{
	struct stay stay;
	size_t moved;
	int err = enter_own(&stay, buffer, false);

	return err ? err
		   : leave(&stay, move(&stay, (struct bytes){.to = data}, size, offset, &moved));
}

int pages_put(struct buffer *buffer, const void *data, size_t size, off_t offset, size_t *moved)
{
	struct stay stay;
	int err = enter_own(&stay, buffer, true);

	*moved = 0;
	return err ? err
		   : leave(&stay, move(&stay, (struct bytes){.from = data}, size, offset, moved));
}

static size_t smaller(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

static int wipe(const struct stay *stay, uint64_t begin, uint64_t end)
{
	static const char zeros[64 << 10];
	size_t moved;
	int err = 0;

	if (stay->map) {
		memset(stay->map + begin, 0, end - begin);
		return 0;
	}
	for (; begin < end && !err; begin += moved)
		err = move(stay, (struct bytes){.from = zeros}, smaller(end - begin, sizeof(zeros)),
			   (off_t)begin, &moved);
	return err;
}

int pages_zero(struct buffer *buffer, uint64_t begin, uint64_t end)
{
	struct stay stay;
	int err;

	if (end > buffer->pages.capacity)
		end = buffer->pages.capacity;
	if (begin >= end)
		return 0;
	err = enter_own(&stay, buffer, true);
	return err ? err : leave(&stay, wipe(&stay, begin, end));
}

static int carry(const struct stay *from, const struct stay *to, size_t size)
{
	scope(free) char *piece = malloc(PIECE);
	int err = piece ? 0 : -ENOMEM;
	size_t at, n;

	for (at = 0; at < size && !err; at += n) {
		err = move(from, (struct bytes){.to = piece}, smaller(size - at, PIECE), (off_t)at,
			   &n);
		if (!err)
			err = move(to, (struct bytes){.from = piece}, n, (off_t)at, &n);
	}
	return err;
}

static int copy(const struct stay *from, const struct stay *to, size_t size)
{
	if (!from->map || !to->map)
		return carry(from, to, size);
	memcpy(to->map, from->map, size);
	return 0;
}

int pages_copy_to(struct buffer *buffer, struct pages *fresh, size_t size)
{
	struct bracket bracket;
	struct stay from, to;
	int err;

	err = enter_own(&from, buffer, false);
	if (err)
		return err;
	bracket_init(&bracket);
	err = enter(&to, buffer, fresh, &bracket, true);
	if (!err)
		err = leave(&to, copy(&from, &to, size));
	bracket_finish(&bracket);
	return leave(&from, err);
}
