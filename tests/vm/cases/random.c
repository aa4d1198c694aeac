// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Thousands of random copies between a buffer and a file, each compared byte for byte with
 * the same copies between two pieces of memory. The seed is printed; RANDOM_SEED repeats a
 * run, RANDOM_ROUNDS makes it longer.
 */
#define _GNU_SOURCE
#include "random.h"

#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE  (300 * KIB) /* of the buffer; the file may grow */
#define LIMIT (2 * SIZE)

struct world {
	int buffer, file;
	char *buffer_model, *file_model;
	size_t file_size;
	uint64_t state;
};

static void copy_in(struct world *w)
{
	size_t to = random_position(&w->state, SIZE), from;
	size_t len = random_length(&w->state, SIZE);

	/* half of the time congruent, or nothing would ever be direct */
	from = rnd(&w->state) & 1 ? to : random_position(&w->state, LIMIT);
	if (len > SIZE - to)
		len = SIZE - to;
	if (from >= w->file_size)
		len = 0;
	else if (len > w->file_size - from)
		len = w->file_size - from;
	CHECK_EQ(copy_all(w->file, from, w->buffer, to, len), len);
	memcpy(w->buffer_model + to, w->file_model + from, len);
}

static void copy_out(struct world *w)
{
	size_t from = random_position(&w->state, SIZE), to;
	size_t len = random_length(&w->state, SIZE);

	to = rnd(&w->state) & 1 ? from : random_position(&w->state, LIMIT);
	if (len > SIZE - from)
		len = SIZE - from;
	if (len > LIMIT - to)
		len = LIMIT - to;
	CHECK_EQ(copy_all(w->buffer, from, w->file, to, len), len);
	memcpy(w->file_model + to, w->buffer_model + from, len);
	if (to + len > w->file_size)
		w->file_size = to + len;
}

static void truncate_file(struct world *w)
{
	size_t size = random_position(&w->state, LIMIT);

	CHECK_EQ(ftruncate(w->file, size), 0);
	if (size < w->file_size)
		memset(w->file_model + size, 0, w->file_size - size);
	w->file_size = size;
}

static void scribble(struct world *w)
{
	size_t pos = random_position(&w->state, SIZE);
	size_t len = random_length(&w->state, SIZE);

	if (len > SIZE - pos)
		len = SIZE - pos;
	pattern(w->buffer_model + pos, len, rnd(&w->state));
	poke(w->buffer, w->buffer_model + pos, len, pos);
}

static void compare(struct world *w, int plain)
{
	static char have[LIMIT];

	expect(w->buffer, w->buffer_model, SIZE, 0);
	CHECK_EQ(lseek(w->file, 0, SEEK_END), w->file_size);
	if (w->file_size)
		read_at(plain, have, w->file_size, 0);
	CHECK_EQ(first_difference(have, w->file_model, w->file_size), -1);
}

static void rounds(const char *kind, const char *filesystem, int flags)
{
	uint64_t seed = random_seed(), nr = random_rounds(1500), i;
	struct world w = {
		.buffer_model = calloc(1, SIZE),
		.file_model = calloc(1, LIMIT),
		.state = seed,
	};
	int plain;

	need_patched();
	context("%s on %s%s, seed %llu, %llu rounds", kind, filesystem, flags ? ", direct" : "",
		(unsigned long long)seed, (unsigned long long)nr);
	w.buffer = make_buffer(kind, SIZE);
	w.file = make_file(filesystem, "random", "", 0, O_RDWR | flags);
	plain = open_file(filesystem, "random", O_RDONLY);
	for (i = 0; i < nr; i++) {
		switch (rnd_below(&w.state, 16)) {
		case 0:
			truncate_file(&w);
			break;
		case 1:
		case 2:
			scribble(&w);
			break;
		case 3:
			forget_cache(w.file);
			break;
		case 4:
		case 5:
		case 6:
		case 7:
		case 8:
			copy_out(&w);
			break;
		default:
			copy_in(&w);
		}
		if (i % 8 == 7)
			compare(&w, plain);
	}
	compare(&w, plain);
}

static void on(const char *filesystem)
{
	rounds("system", filesystem, O_DIRECT);
	rounds("udmabuf", filesystem, O_DIRECT);
	rounds("system", filesystem, 0);
	if (have_kind("cma"))
		rounds("cma", filesystem, O_DIRECT);
}

static void on_ext4(void)
{
	on("ext4");
}
static void on_xfs(void)
{
	on("xfs");
}
static void on_btrfs(void)
{
	on("btrfs");
}
static void on_tmpfs(void)
{
	on("tmpfs");
}

/* Direct I/O on overlayfs has no way to do odd ends: see ranges. */
static void on_overlay(void)
{
	rounds("system", "overlay", 0);
	rounds("udmabuf", "overlay", 0);
}

CASE({"thousands of random copies on ext4 are exact", on_ext4, 300},
     {"thousands of random copies on xfs are exact", on_xfs, 300},
     {"thousands of random copies on btrfs are exact", on_btrfs, 300},
     {"thousands of random copies on tmpfs are exact", on_tmpfs, 300},
     {"thousands of random copies on overlayfs are exact", on_overlay, 300}, )
