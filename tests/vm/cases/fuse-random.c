// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Thousands of random copies, writes and truncations of a FUSE file with memory behind it,
 * each compared byte for byte with the same operations on a piece of memory. RANDOM_SEED
 * repeats a run, RANDOM_ROUNDS makes it longer.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "random.h"
#include "server.h"
#include "vm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT (300 * KIB) /* of either file */

struct side {
	int fd;
	char *model;
	size_t size;
};

struct world {
	struct server server;
	struct side memory, disk;
	uint64_t state;
};

static size_t at_most(size_t value, size_t limit)
{
	return value < limit ? value : limit;
}

static void grow_model(struct side *side, size_t end)
{
	if (end > side->size)
		side->size = end;
}

/* Half of the time congruent, or nothing would ever be direct. */
static void copy(struct world *w, struct side *in, struct side *out)
{
	size_t to = random_position(&w->state, LIMIT), from, len;

	from = rnd(&w->state) & 1 ? to : random_position(&w->state, LIMIT);
	len = at_most(random_length(&w->state, LIMIT), LIMIT - to);
	len = from < in->size ? at_most(len, in->size - from) : 0;
	CHECK_EQ(copy_all(in->fd, from, out->fd, to, len), len);
	memcpy(out->model + to, in->model + from, len);
	if (len)
		grow_model(out, to + len);
}

static void scribble(struct world *w, struct side *side)
{
	size_t pos = random_position(&w->state, LIMIT);
	size_t len = at_most(random_length(&w->state, LIMIT), LIMIT - pos);

	pattern(side->model + pos, len, rnd(&w->state));
	write_at(side->fd, side->model + pos, len, pos);
	grow_model(side, pos + len);
}

static void cut(struct world *w, struct side *side)
{
	size_t size = random_position(&w->state, LIMIT);

	CHECK_EQ(ftruncate(side->fd, size), 0);
	if (size < side->size)
		memset(side->model + size, 0, side->size - size);
	side->size = size;
}

/* Opened anew with the memory there, it is written past the server. */
static void reopen(struct world *w)
{
	close(w->memory.fd);
	w->memory.fd = server_open(&w->server, O_RDWR);
}

static void step(struct world *w)
{
	switch (rnd_below(&w->state, 16)) {
	case 0:
		cut(w, &w->memory);
		break;
	case 1:
		cut(w, &w->disk);
		break;
	case 2:
		scribble(w, &w->memory);
		break;
	case 3:
		scribble(w, &w->disk);
		break;
	case 4:
		forget_cache(w->disk.fd);
		break;
	case 5:
		reopen(w);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		copy(w, &w->memory, &w->disk);
		break;
	default:
		copy(w, &w->disk, &w->memory);
	}
}

static void compare(const struct side *side)
{
	static char have[LIMIT];
	struct stat st;

	CHECK_EQ(fstat(side->fd, &st), 0);
	CHECK_EQ(st.st_size, side->size);
	if (side->size)
		read_at(side->fd, have, side->size, 0);
	CHECK_EQ(first_difference(have, side->model, side->size), -1);
}

/* A map also shows the bytes behind the size. */
static void compare_map(struct world *w)
{
	size_t page = getpagesize(), end;
	char *map;

	if (!w->memory.size)
		return;
	reopen(w);
	end = (w->memory.size + page - 1) / page * page;
	map = mmap(NULL, end, PROT_READ, MAP_SHARED, w->memory.fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK_EQ(first_difference(map, w->memory.model, w->memory.size), -1);
	for (; end > w->memory.size; end--)
		CHECK_EQ(map[end - 1], 0);
}

static void rounds(enum server_open open, const char *filesystem)
{
	uint64_t seed = random_seed(), nr = random_rounds(3000), i;
	const struct server_options options = {.open = open};
	struct world w = {
		.memory.model = calloc(1, LIMIT),
		.disk.model = calloc(1, LIMIT),
		.state = seed,
	};

	need_patched();
	context("%s, seed %llu, %llu rounds", filesystem, (unsigned long long)seed,
		(unsigned long long)nr);
	w.server = server_create(&options);
	w.memory.fd = server_open(&w.server, O_RDWR);
	w.disk.fd = make_file(filesystem, "fuse-random", "", 0, O_RDWR);
	for (i = 0; i < nr; i++) {
		step(&w);
		if (i % 8 == 7) {
			compare(&w.memory);
			compare(&w.disk);
		}
	}
	compare_map(&w);
	server_destroy(&w.server);
}

static void past_ext4(void)
{
	rounds(OPEN_PASSTHROUGH, "ext4");
}
static void past_xfs(void)
{
	rounds(OPEN_PASSTHROUGH, "xfs");
}
static void past_btrfs(void)
{
	rounds(OPEN_PASSTHROUGH, "btrfs");
}

CASE({"random copies and writes of a file are exact, with ext4", past_ext4, 300},
     {"random copies and writes of a file are exact, with xfs", past_xfs, 300},
     {"random copies and writes of a file are exact, with btrfs", past_btrfs, 300}, )
