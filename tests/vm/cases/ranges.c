// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copies between a file and a dma-buf move the bytes they were asked for and
 * no others: every kind of buffer, every filesystem, cached and direct.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE (1 * MIB)
#define FILE_SIZE   (3 * MIB + 1234)

/* Ranges that a copy of whole pages, or a rounded one, gets wrong. */
static const struct range {
	off_t file, buffer;
	size_t len;
} ranges[] = {
	{0, 0, BUFFER_SIZE}, /* all of it */
	{0, 0, 4096},	     /* one page */
	{4096, 8192, 65536}, /* whole pages, moved */
	{0, 0, 1},	     /* one byte */
	{511, 511, 1},
	{0, 0, 5000},	    /* odd tail */
	{100, 100, 300000}, /* odd head and tail */
	{1, 0, 100000},	    /* never aligned */
	{0, 4095, 70001},
	{512, 512, 512 * 7},		   /* sectors within pages */
	{513, 1, 8192},			   /* aligned apart by one sector */
	{3 * MIB, 4096, 1234},		   /* up to the end of the file */
	{2 * MIB + 7, 7, BUFFER_SIZE - 7}, /* up to the end of the buffer */
};

struct setting {
	const char *kind, *filesystem;
	int flags;
};

static char *random_bytes(size_t len, uint64_t seed)
{
	char *p = malloc(len);

	CHECK(p);
	pattern(p, len, seed);
	return p;
}

static const char *way(const struct setting *s)
{
	return s->flags & O_DIRECT ? ", direct" : "";
}

/*
 * How much of a range must be copied: all, but that overlayfs passes O_DIRECT
 * on to the file below whatever it is told. What can't be done directly is
 * then EXDEV.
 */
static size_t copy_range(const struct setting *s, const struct range *r, int in, off_t pos_in,
			 int out, off_t pos_out)
{
	bool aligned = !((r->file | r->buffer | r->len) & 4095);
	int error;
	size_t done = copy_some(in, pos_in, out, pos_out, r->len, &error);

	if (strcmp(s->filesystem, "overlay") || !s->flags || aligned)
		CHECK_EQ(error, 0);
	else
		CHECK(!error || error == EXDEV);
	if (!error)
		CHECK_EQ(done, r->len);
	return done;
}

static void into_buffer(const struct setting *s)
{
	char *content = random_bytes(FILE_SIZE, 1);
	char *old = random_bytes(BUFFER_SIZE, 2), *want = malloc(BUFFER_SIZE);
	int file = make_file(s->filesystem, "source", content, FILE_SIZE, O_RDONLY | s->flags);
	int buffer = make_buffer(s->kind, BUFFER_SIZE);
	size_t i, done;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct range *r = &ranges[i];

		poke(buffer, old, BUFFER_SIZE, 0);
		context("range %zu: %s on %s, file %lld, buffer %lld, %zu bytes%s", i, s->kind,
			s->filesystem, (long long)r->file, (long long)r->buffer, r->len, way(s));
		done = copy_range(s, r, file, r->file, buffer, r->buffer);
		memcpy(want, old, BUFFER_SIZE);
		memcpy(want + r->buffer, content + r->file, done);
		expect(buffer, want, BUFFER_SIZE, 0);
	}
}

static void out_of_buffer(const struct setting *s)
{
	char *content = random_bytes(FILE_SIZE, 3);
	char *bytes = random_bytes(BUFFER_SIZE, 4);
	char *want = malloc(FILE_SIZE), *have = malloc(FILE_SIZE);
	int buffer = make_buffer(s->kind, BUFFER_SIZE), file, check;
	ssize_t at;
	size_t i, done;

	poke(buffer, bytes, BUFFER_SIZE, 0);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct range *r = &ranges[i];

		file = make_file(s->filesystem, "destination", content, FILE_SIZE,
				 O_RDWR | s->flags);
		context("range %zu: %s to %s, file %lld, buffer %lld, %zu bytes%s", i, s->kind,
			s->filesystem, (long long)r->file, (long long)r->buffer, r->len, way(s));
		done = copy_range(s, r, buffer, r->buffer, file, r->file);
		close(file);
		memcpy(want, content, FILE_SIZE);
		memcpy(want + r->file, bytes + r->buffer, done);
		check = open_file(s->filesystem, "destination", O_RDONLY);
		CHECK_EQ(lseek(check, 0, SEEK_END), FILE_SIZE);
		read_at(check, have, FILE_SIZE, 0);
		at = first_difference(have, want, FILE_SIZE);
		CHECK_EQ(at, -1);
		close(check);
	}
}

/* Every filesystem and both ways of opening, for one kind of buffer. */
static void everywhere(const char *kind, void (*copy)(const struct setting *))
{
	int i;

	need_patched();
	for (i = 0; filesystems[i]; i++) {
		copy(&(struct setting){kind, filesystems[i], 0});
		copy(&(struct setting){kind, filesystems[i], O_DIRECT});
	}
}

static void into_system(void)
{
	everywhere("system", into_buffer);
}
static void into_cma(void)
{
	everywhere("cma", into_buffer);
}
static void into_udmabuf(void)
{
	everywhere("udmabuf", into_buffer);
}
static void out_of_system(void)
{
	everywhere("system", out_of_buffer);
}
static void out_of_cma(void)
{
	everywhere("cma", out_of_buffer);
}
static void out_of_udmabuf(void)
{
	everywhere("udmabuf", out_of_buffer);
}

CASE({"a copy into the system heap touches its range alone", into_system, 180},
     {"a copy into the contiguous heap touches its range alone", into_cma, 180},
     {"a copy into a udmabuf touches its range alone", into_udmabuf, 180},
     {"a copy out of the system heap touches its range alone", out_of_system, 180},
     {"a copy out of the contiguous heap touches its range alone", out_of_cma, 180},
     {"a copy out of a udmabuf touches its range alone", out_of_udmabuf, 180}, )
