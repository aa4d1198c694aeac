// SPDX-License-Identifier: GPL-2.0-or-later
/* A direct copy goes around the page cache, all but its odd ends. */
#define _GNU_SOURCE
#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE (8 * MIB)

static const char *const on_disk[] = {"ext4", "xfs", "btrfs"};
static char *content;

static void prepare(const char *kind, int *buffer)
{
	need_patched();
	content = malloc(SIZE);
	CHECK(content);
	pattern(content, SIZE, 151);
	*buffer = make_buffer(kind, SIZE);
	poke(*buffer, content, SIZE, 0);
}

static void at_most_cached(int file, size_t most, const char *when)
{
	size_t cached = cached_bytes(file, SIZE);

	if (cached > most)
		fail(__FILE__, __LINE__, "%s: %zu bytes are cached, %zu may be", when, cached,
		     most);
}

/* A copy of [pos, pos + len) may leave its two ends in the cache. */
static void around_the_cache(const char *kind, off_t pos, size_t len)
{
	size_t i, ends = pos % 4096 || len % 4096 ? 2 * 64 * KIB : 0;
	int buffer, file;

	prepare(kind, &buffer);
	for (i = 0; i < ARRAY_SIZE(on_disk); i++) {
		context("%s, %lld + %zu", on_disk[i], (long long)pos, len);
		file = make_file(on_disk[i], "direct", content, SIZE, O_RDWR | O_DIRECT);
		at_most_cached(file, 0, "at first");
		CHECK_EQ(copy_all(file, pos, buffer, pos, len), len);
		at_most_cached(file, ends, "after a copy in");
		forget_cache(file);
		CHECK_EQ(copy_all(buffer, pos, file, pos, len), len);
		at_most_cached(file, ends, "after a copy out");
	}
}

static void whole_system(void)
{
	around_the_cache("system", 0, SIZE);
}
static void whole_udmabuf(void)
{
	around_the_cache("udmabuf", 0, SIZE);
}
static void whole_cma(void)
{
	around_the_cache("cma", 0, SIZE);
}
static void odd(void)
{
	around_the_cache("system", 4711, SIZE - 9999);
}

/* A direct copy reads data written before in any way. */
static void after_writes(void)
{
	char *dirty;
	int buffer, file, cached;
	size_t i;

	prepare("system", &buffer);
	dirty = malloc(SIZE);
	pattern(dirty, SIZE, 152);
	for (i = 0; i < ARRAY_SIZE(on_disk); i++) {
		file = make_file(on_disk[i], "direct", content, SIZE, O_RDWR | O_DIRECT);
		cached = open_file(on_disk[i], "direct", O_RDWR);
		write_at(cached, dirty, SIZE / 2, SIZE / 4);
		CHECK_EQ(copy_all(file, 0, buffer, 0, SIZE), SIZE);
		expect(buffer, dirty, SIZE / 2, SIZE / 4);

		/* and the other way: no reader gets the old data */
		poke(buffer, content, SIZE, 0);
		CHECK_EQ(copy_all(buffer, 0, file, 0, SIZE), SIZE);
		read_at(cached, dirty, SIZE, 0);
		CHECK_EQ(first_difference(dirty, content, SIZE), -1);
		pattern(dirty, SIZE, 152);
	}
}

CASE({"a direct copy of a system buffer leaves the cache alone", whole_system},
     {"a direct copy of a udmabuf leaves the cache alone", whole_udmabuf},
     {"a direct copy of a contiguous buffer leaves the cache alone", whole_cma},
     {"a direct copy with odd ends caches these alone", odd},
     {"direct copies and cached writes see each other", after_writes}, )
