// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Thousands of random copies between a memory file and a disk, mixed with writes, maps,
 * truncations, holes and preallocation, each compared byte for byte with the same on a piece
 * of memory. RANDOM_SEED repeats a run, RANDOM_ROUNDS makes it longer.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "memory_file.h"
#include "random.h"
#include "vm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT (3 * MIB) /* of either file */

struct side {
	int fd;	     /* for everything but copies */
	int copy_fd; /* for copies: the same, or with O_DIRECT */
	char *model;
	size_t size;
};

struct world {
	struct memory_file file;
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
	if (!len)
		return;
	CHECK_EQ(copy_all(in->copy_fd, from, out->copy_fd, to, len), len);
	memcpy(out->model + to, in->model + from, len);
	grow_model(out, to + len);
}

static void scribble(struct world *w, struct side *side)
{
	size_t pos = random_position(&w->state, LIMIT);
	size_t len = at_most(random_length(&w->state, LIMIT / 8), LIMIT - pos);

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

static void punch(struct world *w)
{
	struct side *side = &w->memory;
	size_t pos = random_position(&w->state, LIMIT);
	size_t len = at_most(random_length(&w->state, LIMIT), LIMIT - pos);

	CHECK_EQ(fallocate(side->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, pos, len), 0);
	memset(side->model + pos, 0, len);
}

/* Pages that are allocated and not yet zeroed, also behind the end. */
static void preallocate(struct world *w)
{
	struct side *side = &w->memory;
	int keep = rnd(&w->state) & 1 ? FALLOC_FL_KEEP_SIZE : 0;
	size_t pos = random_position(&w->state, LIMIT);
	size_t len = at_most(random_length(&w->state, LIMIT), LIMIT - pos);

	CHECK_EQ(fallocate(side->fd, keep, pos, len), 0);
	if (!keep)
		grow_model(side, pos + len);
}

static void map_and_store(struct world *w)
{
	struct side *side = &w->memory;
	size_t pos, len;
	char *map;

	if (!side->size)
		return;
	pos = rnd_below(&w->state, side->size);
	len = at_most(random_length(&w->state, 60000), side->size - pos);
	map = mmap(NULL, side->size, PROT_READ | PROT_WRITE, MAP_SHARED, side->fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK_EQ(first_difference(map + pos, side->model + pos, len), -1);
	pattern(side->model + pos, len, rnd(&w->state));
	memcpy(map + pos, side->model + pos, len);
	munmap(map, side->size);
}

static void step(struct world *w)
{
	switch (rnd_below(&w->state, 20)) {
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
	case 5:
		forget_cache(w->disk.fd);
		break;
	case 6:
		punch(w);
		break;
	case 7:
		preallocate(w);
		break;
	case 8:
		map_and_store(w);
		break;
	case 9:
	case 10:
	case 11:
	case 12:
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

static void rounds(const char *kind, const char *filesystem)
{
	uint64_t seed = random_seed(), nr = random_rounds(1200), i;
	struct world w = {
		.memory.model = calloc(1, LIMIT),
		.disk.model = calloc(1, LIMIT),
		.state = seed,
	};

	w.file = memory_file_create(kind);
	context("%s, %s, seed %llu, %llu rounds", kind, filesystem, (unsigned long long)seed,
		(unsigned long long)nr);
	w.memory.fd = w.memory.copy_fd = w.file.fd;
	w.disk.fd = make_file(filesystem, "memory-random", "", 0, O_RDWR);
	w.disk.copy_fd =
		open_file(filesystem, "memory-random", O_RDWR | memory_file_direct(&w.file));
	for (i = 0; i < nr; i++) {
		step(&w);
		if (i % 8 == 7) {
			compare(&w.memory);
			compare(&w.disk);
		}
	}
	memory_file_destroy(&w.file);
}

static void on_ext4(void)
{
	rounds("memfd", "ext4");
	rounds("shmem", "ext4");
}
static void on_xfs(void)
{
	rounds("huge", "xfs");
	rounds("udmabuf", "xfs");
}
static void on_btrfs(void)
{
	rounds("memfd", "btrfs");
	rounds("shmem", "btrfs");
}

CASE({"random copies of memory files are exact, with ext4", on_ext4, 300},
     {"random copies of memory files are exact, with xfs", on_xfs, 300},
     {"random copies of memory files are exact, with btrfs", on_btrfs, 300}, )
