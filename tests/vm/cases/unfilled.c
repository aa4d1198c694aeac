// SPDX-License-Identifier: GPL-2.0-or-later
/* Buffers that are not zeroed show zeros except for written data. */
#define _GNU_SOURCE
#include "unfilled.h"

#include "memory.h"
#include "screen.h"
#include "server.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t sizes[] = {
	PAGE, 5 * PAGE, 64 * KIB, 1 * MIB + PAGE, SMALL,
};

static void untouched(const char *kind)
{
	size_t i, j;
	int buffer;

	prepare(kind);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < ARRAY_SIZE(views); j++) {
			buffer = unfilled_buffer(kind, sizes[i]);
			expect_all(&views[j], buffer, sizes[i]);
			discard(buffer, sizes[i]);
		}
	}
}

static void untouched_system(void)
{
	untouched("system");
}
static void untouched_cma(void)
{
	untouched("cma");
}

/* Copied to from the beginning on, and no further than to len. */
static void begun_with(const char *kind, int flags)
{
	int file, buffer;
	size_t i, j, k;

	prepare(kind);
	file = make_source(flags);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		const size_t size = sizes[i], lens[] = {
						      1, 511, PAGE, size / 2 + 77, size - 513, size,
					      };

		for (j = 0; j < ARRAY_SIZE(lens); j++) {
			for (k = 0; k < 3; k++) {
				buffer = unfilled_buffer(kind, size);
				copy_in(file, buffer, 0, lens[j]);
				expect_all(next_view(), buffer, size);
				discard(buffer, size);
			}
		}
	}
}

static void begun_with_cached(void)
{
	begun_with("system", 0);
}
static void begun_with_direct(void)
{
	begun_with("system", O_DIRECT);
}
static void begun_with_cma(void)
{
	begun_with("cma", O_DIRECT);
}

static size_t page_aligned(uint64_t *state, size_t below)
{
	return rnd_below(state, below / PAGE) * PAGE;
}

/* One thing that can happen to a buffer, and to want. */
static void happen(uint64_t *state, const int *files, int buffer, size_t size)
{
	size_t pos = rnd_below(state, size), len;

	if (rnd_below(state, 2))
		pos = page_aligned(state, size);
	len = 1 + rnd_below(state, rnd_below(state, 4)	   ? size - pos
				   : size - pos < 3 * PAGE ? size - pos
							   : 3 * PAGE);
	context("%zu bytes at %zu of %zu", len, pos, size);
	switch (rnd_below(state, 6)) {
	case 0:
		write_at(buffer, content + pos, len, pos);
		memcpy(want + pos, content + pos, len);
		break;
	case 1:
		read_at(buffer, have, len, pos);
		CHECK_EQ(first_difference(have, want + pos, len), -1);
		break;
	default:
		copy_in(files[rnd_below(state, 2)], buffer, pos, len);
	}
}

static void at_random(const char *kind)
{
	uint64_t state = 172;
	int files[2], buffer, i, rounds = 0;
	double end;
	size_t size;

	prepare(kind);
	files[0] = make_source(0);
	files[1] = make_source(O_DIRECT);
	for (end = now() + 10; now() < end; rounds++) {
		size = PAGE + page_aligned(&state, SMALL);
		buffer = unfilled_buffer(kind, size);
		for (i = rnd_below(&state, 7); i; i--)
			happen(&state, files, buffer, size);
		expect_all(next_view(), buffer, size);
		discard(buffer, size);
	}
	note("%d buffers", rounds);
}

static void at_random_system(void)
{
	at_random("system");
}
static void at_random_cma(void)
{
	at_random("cma");
}

/* Larger than a piece, and than one step of zeroing. */
static void large(void)
{
	const off_t starts[] = {0, 5, 1 * MIB, 20 * MIB + 4097};
	int file, buffer;
	size_t i;

	prepare("system");
	file = make_source(O_DIRECT);
	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		buffer = unfilled_buffer("system", MAX);
		copy_in(file, buffer, starts[i], MAX - starts[i] - 12345);
		expect_all(next_view(), buffer, MAX);
		discard(buffer, MAX);
	}
}

/* The kernel maps a buffer on a screen. */
static void shown(void)
{
	struct screen screen;
	int buffer, file;

	prepare("system");
	file = make_source(O_DIRECT);
	buffer = unfilled_buffer("system", SCREEN_BYTES);
	copy_in(file, buffer, 0, SCREEN_BYTES / 2 + 99);
	settle(buffer);
	screen = screen_show(buffer);
	by_read(buffer, SCREEN_BYTES);
	CHECK_EQ(first_difference(have, want, SCREEN_BYTES), -1);
	screen_hide(&screen);
	expect_all(&views[0], buffer, SCREEN_BYTES);
}

/*
 * Memory behind a file. A map shows all of it: the file's bytes, and zeros
 * behind its end.
 */
static void behind_a_file(int flags)
{
	const struct server_options options = {
		.passthrough = true,
		.open = OPEN_PASSTHROUGH,
	};
	const struct {
		off_t pos;
		size_t len;
	} ranges[] = {
		{0, 100001},
		{0, SMALL},
		{5000, 1 * MIB},
		{PAGE, 1},
	};
	struct server server;
	int source, file;
	size_t i;
	char *map;

	prepare("system");
	source = make_source(flags);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		memset(want, 0, SMALL);
		server = server_create(&options);
		/* there is no memory before the inode is known */
		file = server_open(&server, O_RDWR);
		CHECK_EQ(server_bind(&server, SMALL), 0);
		copy_in(source, file, ranges[i].pos, ranges[i].len);
		read_at(file, have, ranges[i].pos + ranges[i].len, 0);
		CHECK_EQ(first_difference(have, want, ranges[i].pos + ranges[i].len), -1);
		close(file);
		file = server_open(&server, O_RDWR);
		map = mmap(NULL, SMALL, PROT_READ, MAP_SHARED, file, 0);
		CHECK(map != MAP_FAILED);
		CHECK_EQ(first_difference(map, want, SMALL), -1);
		munmap(map, SMALL);
		discard(file, SMALL);
		server_destroy(&server);
	}
}

static void behind_a_file_cached(void)
{
	behind_a_file(0);
}
static void behind_a_file_direct(void)
{
	behind_a_file(O_DIRECT);
}

/* No driver sees what is not filled, nor is it zeroed with the driver's locks held. */
static void attached(void)
{
	const size_t lens[] = {0, PAGE, SMALL - 1, SMALL};
	struct importer vgem = open_importer("vgem");
	int file, buffer;
	size_t i;

	prepare("system");
	file = make_source(O_DIRECT);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		buffer = unfilled_buffer("system", SMALL);
		if (lens[i])
			copy_in(file, buffer, 0, lens[i]);
		if (lens[i] < SMALL) {
			CHECK_EQ(hold(&vgem, buffer), -EBUSY);
			settle(buffer);
		}
		CHECK_EQ(hold(&vgem, buffer), 0);
		expect(buffer, want, SMALL, 0);
		let_go(&vgem);
		discard(buffer, SMALL);
	}
}

/* Other users of the heap have zeros from the start, and no check in their way. */
static void not_asked_for(void)
{
	struct importer vgem = open_importer("vgem");
	int buffer, i;

	prepare("system");
	for (i = 0; i < 8; i++) {
		buffer = make_buffer("system", SMALL);
		CHECK_EQ(hold(&vgem, buffer), 0);
		let_go(&vgem);
		expect(buffer, want, SMALL, 0);
		discard(buffer, SMALL);
	}
}

CASE({"a buffer that is not filled is zeros, however it is looked at", untouched_system},
     {"a contiguous buffer that is not filled is zeros, however it is looked at", untouched_cma},
     {"a device gets in when all is filled, and not before", attached},
     {"a buffer is zeroed unless the flag is given", not_asked_for},
     {"behind a cached copy into a new buffer are zeros", begun_with_cached},
     {"behind a direct copy into a new buffer are zeros", begun_with_direct},
     {"behind a copy into a new contiguous buffer are zeros", begun_with_cma},
     {"new buffers show random writes, and zeros", at_random_system},
     {"new contiguous buffers show random writes, and zeros", at_random_cma},
     {"large new buffers show the copy, and zeros", large},
     {"a new buffer on a screen shows the copy, and zeros", shown},
     {"new memory behind a file shows the copy, and zeros", behind_a_file_cached},
     {"new memory behind a file shows a direct copy, and zeros", behind_a_file_direct}, )
