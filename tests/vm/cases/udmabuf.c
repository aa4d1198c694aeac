// SPDX-License-Identifier: GPL-2.0-or-later
/* Buffers made of other memory: any page of a memfd, in any order, twice. */
#define _GNU_SOURCE
#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 64
#define HUGE  (2 * MIB)

static size_t page;

/* A buffer of pages of the memfd, and the position of each page. */
struct shuffled {
	int buffer, memfd;
	unsigned int nr, where[PAGES];
};

static struct shuffled shuffle(int memfd, unsigned int pages_there, uint64_t seed)
{
	struct shuffled s = {.memfd = memfd, .nr = PAGES};
	struct memory_part parts[PAGES];
	unsigned int i;

	page = getpagesize();
	udmabuf_limit("size_limit_mb", 4096);
	for (i = 0; i < PAGES; i++) {
		/* one run of neighbours in three, the same page now and then */
		s.where[i] = i && rnd(&seed) % 3 ? (s.where[i - 1] + 1) % pages_there
						 : rnd_below(&seed, pages_there);
		parts[i] = (struct memory_part){memfd, s.where[i] * page, page};
	}
	s.buffer = make_udmabuf_of(parts, PAGES);
	return s;
}

/* What the memory must look like when page i of the content went to where[i];
 * a page that is there twice may have either content. */
static void expect_memory(struct shuffled *s, const char *content)
{
	char *have = malloc(page);
	unsigned int i, j;
	bool right;

	for (i = 0; i < s->nr; i++) {
		read_at(s->memfd, have, page, s->where[i] * page);
		right = false;
		for (j = 0; j < s->nr; j++)
			right |= s->where[j] == s->where[i] &&
				 !memcmp(have, content + j * page, page);
		if (!right)
			fail(__FILE__, __LINE__, "page %u is wrong", i);
	}
	free(have);
}

static void scattered(int memfd, unsigned int pages_there)
{
	struct shuffled s;
	char *content, *have;
	int flags, file, check;
	uint64_t seed;

	need_patched();
	for (seed = 1; seed <= 20; seed++) {
		s = shuffle(memfd, pages_there, seed);
		content = malloc(PAGES * page);
		have = malloc(PAGES * page);
		pattern(content, PAGES * page, seed);
		flags = O_RDWR | (seed & 1 ? O_DIRECT : 0);
		file = make_file("ext4", "scattered", content, PAGES * page, flags);
		context("seed %d", (int)seed);
		CHECK_EQ(copy_all(file, 0, s.buffer, 0, PAGES * page), PAGES * page);
		expect_memory(&s, content);

		/* and a copy out has the bytes of the buffer */
		peek(s.buffer, content, PAGES * page, 0);
		CHECK_EQ(copy_all(s.buffer, 100, file, 100, PAGES * page - 200),
			 PAGES * page - 200);
		check = open_file("ext4", "scattered", O_RDONLY);
		read_at(check, have, PAGES * page - 200, 100);
		CHECK_EQ(first_difference(have, content + 100, PAGES * page - 200), -1);
		close(check);
		close(file);
		close(s.buffer);
		free(content);
		free(have);
	}
}

static void of_small_pages(void)
{
	int memfd = make_memfd(100 * getpagesize(), 0);

	scattered(memfd, 100);
}

/* Shared memory in huge pages, if available. */
static void of_transparent_huge_pages(void)
{
	int memfd;
	char *map;
	FILE *f;

	if (rig_is("uml"))
		unable("no huge pages in this rig");
	f = fopen("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "w");
	CHECK(f && fputs("force", f) >= 0 && !fclose(f));
	memfd = make_memfd(4 * HUGE, 0);
	map = mmap(NULL, 4 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	CHECK(map != MAP_FAILED);
	memset(map, 1, 4 * HUGE);
	scattered(memfd, 4 * HUGE / getpagesize());
}

static int make_hugetlb_memfd(size_t size)
{
	FILE *f;

	if (rig_is("uml"))
		unable("no huge pages in this rig");
	f = fopen("/proc/sys/vm/nr_hugepages", "w");
	CHECK(f && fputs("16", f) >= 0 && !fclose(f));
	return make_memfd(size, MFD_HUGETLB);
}

/* udmabuf takes single pages of huge ones, at any offset. */
static void of_hugetlb_pages(void)
{
	struct memory_part parts[3];
	char *content = malloc(HUGE);
	int memfd, buffer, file;
	char *map;

	need_patched();
	memfd = make_hugetlb_memfd(4 * HUGE);
	udmabuf_limit("size_limit_mb", 4096);
	parts[0] = (struct memory_part){memfd, HUGE + 5 * 4096, 7 * 4096};
	parts[1] = (struct memory_part){memfd, 3 * HUGE - 4096, 2 * 4096};
	parts[2] = (struct memory_part){memfd, 4096, 4096};
	buffer = make_udmabuf_of(parts, 3);
	pattern(content, HUGE, 7);
	file = make_file("ext4", "hugetlb", content, HUGE, O_RDWR | O_DIRECT);
	CHECK_EQ(copy_all(file, 0, buffer, 0, 10 * 4096), 10 * 4096);
	expect(buffer, content, 10 * 4096, 0);
	map = mmap(NULL, 4 * HUGE, PROT_READ, MAP_SHARED, memfd, 0);
	CHECK(map != MAP_FAILED);
	CHECK(!memcmp(map + HUGE + 5 * 4096, content, 7 * 4096));
	CHECK(!memcmp(map + 3 * HUGE - 4096, content + 7 * 4096, 2 * 4096));
	CHECK(!memcmp(map + 4096, content + 9 * 4096, 4096));
	/* the pages between are as they were */
	CHECK(!map[HUGE + 4 * 4096] && !map[HUGE + 12 * 4096] && !map[0]);
}

/* Part of a memfd: the bytes around it belong to others. */
static void a_part(void)
{
	const size_t size = 16 * 4096;
	char *content = malloc(size), *have = malloc(3 * size);
	int memfd, buffer, file;
	size_t i;

	need_patched();
	memfd = make_memfd(3 * size, 0);
	buffer = make_udmabuf(memfd, size, size);
	pattern(content, size, 9);
	file = make_file("ext4", "part", content, size, O_RDONLY | O_DIRECT);
	CHECK_EQ(copy_once(file, 0, buffer, 0, 10 * size), size);
	read_at(memfd, have, 3 * size, 0);
	CHECK(!memcmp(have + size, content, size));
	for (i = 0; i < size; i++)
		CHECK(!have[i] && !have[2 * size + i]);
}

CASE({"a part of a memfd is filled, the rest is not", a_part},
     {"scattered and repeated pages are filled right", of_small_pages},
     {"scattered parts of transparent huge pages are filled right", of_transparent_huge_pages},
     {"odd offsets into huge pages are filled right", of_hugetlb_pages}, )
