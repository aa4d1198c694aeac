// SPDX-License-Identifier: GPL-2.0-or-later
/* Positions and lengths that do not fit 31 or 32 bits. */
#define _GNU_SOURCE
#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE (1 * MIB)

static char content[PIECE], have[PIECE];

static void beyond(int flags)
{
	static const off_t positions[] = {
		2 * GIB - PIECE / 2, 2 * GIB, 4 * GIB - PIECE / 2, 4 * GIB, 5 * GIB + 4096,
	};
	int buffer, file;
	size_t i;

	need_patched();
	buffer = make_vast_buffer(6 * GIB);
	file = make_file("ext4", "beyond", "", 0, O_RDWR | flags);
	CHECK_EQ(ftruncate(file, 6 * GIB), 0);
	for (i = 0; i < ARRAY_SIZE(positions); i++) {
		pattern(content, PIECE, 41 + i);
		write_at(open_file("ext4", "beyond", O_WRONLY), content, PIECE, positions[i]);
		forget_cache(file);
		context("position %lld", (long long)positions[i]);
		CHECK_EQ(copy_all(file, positions[i], buffer, positions[i], PIECE), PIECE);
		expect(buffer, content, PIECE, positions[i]);

		pattern(content, PIECE, 51 + i);
		poke(buffer, content, PIECE, positions[i]);
		CHECK_EQ(copy_all(buffer, positions[i], file, positions[i], PIECE), PIECE);
		read_at(open_file("ext4", "beyond", O_RDONLY), have, PIECE, positions[i]);
		CHECK_EQ(first_difference(have, content, PIECE), -1);
	}
}

static void beyond_cached(void)
{
	beyond(0);
}
static void beyond_direct(void)
{
	beyond(O_DIRECT);
}

/* One call for more than 4 GiB: it may stop early, but not go wrong. */
static void one_long_copy(void)
{
	const size_t len = 5 * GIB;
	int buffer, file;
	ssize_t ret;

	need_patched();
	buffer = make_vast_buffer(len);
	file = make_file("ext4", "long", "", 0, O_RDWR | O_DIRECT);
	CHECK_EQ(ftruncate(file, len), 0);
	pattern(content, PIECE, 61);
	write_at(open_file("ext4", "long", O_WRONLY), content, PIECE, len - PIECE);
	forget_cache(file);
	ret = copy_once(file, 0, buffer, 0, len);
	note("one call copied %zd of %zu bytes", ret, len);
	CHECK(ret > 0);
	CHECK_EQ(copy_all(file, ret, buffer, ret, len - ret), len - ret);
	expect(buffer, content, PIECE, len - PIECE);
}

/* A real buffer of more than 4 GiB, page by page different. */
static void real_buffer(void)
{
	const size_t len = 4 * GIB + 64 * MIB;
	static const off_t positions[] = {0, 2 * GIB, 4 * GIB, 4 * GIB + 63 * MIB};
	int buffer, file;
	size_t i;

	need_patched();
	buffer = make_buffer("system", len);
	file = make_file("xfs", "real", "", 0, O_RDWR | O_DIRECT);
	CHECK_EQ(ftruncate(file, len), 0);
	for (i = 0; i < ARRAY_SIZE(positions); i++) {
		pattern(content, PIECE, 71 + i);
		write_at(open_file("xfs", "real", O_WRONLY), content, PIECE, positions[i]);
	}
	forget_cache(file);
	CHECK_EQ(copy_all(file, 0, buffer, 0, len), len);
	for (i = 0; i < ARRAY_SIZE(positions); i++) {
		pattern(content, PIECE, 71 + i);
		expect(buffer, content, PIECE, positions[i]);
	}
}

CASE({"cached copies reach beyond 2 and 4 GiB", beyond_cached},
     {"direct copies reach beyond 2 and 4 GiB", beyond_direct},
     {"one copy of more than 4 GiB is not cut to 32 bits", one_long_copy},
     {"a system buffer of more than 4 GiB is filled right", real_buffer}, )
