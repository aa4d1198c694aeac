// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "unfilled.h"

#include "disk.h"
#include "memory.h"
#include "screen.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

char *content, *want, *have;

void discard(int buffer, size_t size)
{
	memset(have, 0xd1, size);
	write_at(buffer, have, size, 0);
	close(buffer);
}

static void make_dirty(const char *kind)
{
	const size_t size = strcmp(kind, "cma") ? 36 * MIB : 16 * MIB;
	int buffers[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(buffers); i++)
		buffers[i] = make_buffer(kind, size);
	for (i = 0; i < ARRAY_SIZE(buffers); i++)
		discard(buffers[i], size);
}

void prepare(const char *kind)
{
	need_patched();
	content = shared_memory(MAX);
	want = shared_memory(MAX);
	have = shared_memory(MAX);
	pattern(content, MAX, 171);
	make_dirty(kind);
}

int make_source(int flags)
{
	return make_file("ext4", "fresh", content, MAX, O_RDONLY | flags);
}

int unfilled_buffer(const char *kind, size_t size)
{
	memset(want, 0, size);
	return make_unfilled_buffer(kind, size);
}

void settle(int buffer)
{
	struct dma_buf_sync sync = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ};

	CHECK_EQ(ioctl(buffer, DMA_BUF_IOCTL_SYNC, &sync), 0);
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ;
	CHECK_EQ(ioctl(buffer, DMA_BUF_IOCTL_SYNC, &sync), 0);
}

void copy_in(int file, int buffer, off_t pos, size_t len)
{
	CHECK_EQ(copy_all(file, pos, buffer, pos, len), len);
	memcpy(want + pos, content + pos, len);
}

static void by_map(int buffer, size_t size)
{
	peek(buffer, have, size, 0);
}

void by_read(int buffer, size_t size)
{
	size_t done, len;

	for (done = 0; done < size; done += len) {
		len = size - done < 70001 ? size - done : 70001;
		read_at(buffer, have + done, len, done);
	}
}

static void by_read_from_the_end(int buffer, size_t size)
{
	size_t len;

	for (; size; size -= len) {
		len = size < 300007 ? size : 300007;
		read_at(buffer, have + size - len, len, size - len);
	}
}

static void by_copy(int buffer, size_t size, int flags)
{
	int file = make_file("ext4", "seen", "", 0, O_RDWR | flags);

	CHECK_EQ(copy_all(buffer, 0, file, 0, size), size);
	close(file);
	file = open_file("ext4", "seen", O_RDONLY);
	read_at(file, have, size, 0);
	close(file);
}

static void by_cached_copy(int buffer, size_t size)
{
	by_copy(buffer, size, 0);
}

static void by_direct_copy(int buffer, size_t size)
{
	by_copy(buffer, size, O_DIRECT);
}

static void by_sendfile(int buffer, size_t size)
{
	int file = make_file("tmpfs", "seen", "", 0, O_RDWR);
	off_t pos = 0;

	while (pos < (off_t)size)
		CHECK(sendfile(file, buffer, &pos, size - pos) > 0);
	read_at(file, have, size, 0);
	close(file);
}

/* A device gets in when all is filled, and its mapping changes nothing. */
static void by_device(int buffer, size_t size)
{
	struct importer vgem = open_importer("vgem");
	const int first = hold(&vgem, buffer);

	if (first) {
		CHECK_EQ(first, -EBUSY);
		settle(buffer);
		CHECK_EQ(hold(&vgem, buffer), 0);
	}
	read_at(buffer, have, size, 0);
	let_go(&vgem);
	close(vgem.card);
}

const struct view views[NR_VIEWS] = {
	{"mmap", by_map},
	{"read", by_read},
	{"read from the end", by_read_from_the_end},
	{"copy to a file", by_cached_copy},
	{"direct copy to a file", by_direct_copy},
	{"sendfile", by_sendfile},
	{"a device", by_device},
};

const struct view *next_view(void)
{
	static size_t next;

	return &views[next++ % NR_VIEWS];
}

void expect_all(const struct view *view, int buffer, size_t size)
{
	ssize_t at;

	memset(have, 0xee, size);
	view->look(buffer, size);
	at = first_difference(have, want, size);
	if (at >= 0)
		fail(__FILE__, __LINE__, "%s: byte %zd of %zu is %02x, not %02x", view->name, at,
		     size, (unsigned char)have[at], (unsigned char)want[at]);
	/* and it stays so */
	expect(buffer, want, size, 0);
}

void expect_nothing_else(int buffer, size_t size)
{
	const struct view *view = next_view();
	size_t i;

	view->look(buffer, size);
	for (i = 0; i < size; i++) {
		if (have[i] && have[i] != content[i])
			fail(__FILE__, __LINE__, "%s: byte %zu of %zu is %02x, not %02x",
			     view->name, i, size, (unsigned char)have[i],
			     (unsigned char)content[i]);
	}
}
