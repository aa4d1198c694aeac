// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes that copy in and out, read, map, truncate and punch one memory file at the same
 * time, and copiers that are killed. Every word of the sources is its own position. So each
 * word that anyone sees has to be that, or zero: all else is a torn copy, a copy to the wrong
 * place, or memory of somebody else. RACE_SECONDS makes it longer.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "memory_file.h"
#include "random.h"
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE  (8 * MIB)
#define WORDS (SIZE / sizeof(uint64_t))
#define DIRT  0xaaaaaaaaaaaaaaaaull

static const char *const disks[] = {"ext4", "xfs", "btrfs"};

struct race {
	struct memory_file file;
	uint64_t state;
	/* shared by all processes */
	struct seen {
		_Atomic uint64_t copied_in, copied_out, wrong, where;
	} * seen;
};

static void check_words(struct race *race, const volatile uint64_t *words, size_t pos, size_t len)
{
	size_t i;

	for (i = 0; i < len / sizeof(*words); i++) {
		uint64_t word = words[i], want = pos + i * sizeof(*words);

		if (!word || word == want)
			continue;
		race->seen->where = want;
		race->seen->wrong = word;
		return;
	}
}

static size_t whole_words(size_t n)
{
	return n / sizeof(uint64_t) * sizeof(uint64_t);
}

static size_t any_position(struct race *race)
{
	return whole_words(random_position(&race->state, SIZE));
}

static size_t any_length(struct race *race, size_t pos)
{
	size_t len = whole_words(random_length(&race->state, SIZE)) + sizeof(uint64_t);

	return len < SIZE - pos ? len : SIZE - pos;
}

/* --- the processes ---------------------------------------------------------------- */

static void copy_in(struct race *race)
{
	const char *filesystem = disks[rnd_below(&race->state, ARRAY_SIZE(disks))];
	int source =
		open_file(filesystem, "memory-race", O_RDONLY | memory_file_direct(&race->file));
	size_t pos = any_position(race), len = any_length(race, pos);
	int error;

	if (!rnd_below(&race->state, 8))
		posix_fadvise(source, 0, 0, POSIX_FADV_DONTNEED);
	race->seen->copied_in += copy_some(source, pos, race->file.fd, pos, len, &error);
	close(source);
}

static void copy_out(struct race *race)
{
	static uint64_t words[WORDS];
	int direct = memory_file_direct(&race->file), error;
	int to = open_file("ext4", "memory-race-out", O_RDWR | O_CREAT | O_TRUNC);
	int copy_to = open_file("ext4", "memory-race-out", O_RDWR | direct);
	size_t n = copy_some(race->file.fd, 0, copy_to, 0, SIZE, &error);
	ssize_t there = pread(to, words, SIZE, 0);

	race->seen->copied_out += n;
	check_words(race, words, 0, there > 0 ? there : 0);
	close(copy_to);
	close(to);
}

static void look(struct race *race)
{
	static uint64_t words[WORDS];
	size_t pos = any_position(race);
	ssize_t n = pread(race->file.fd, words, any_length(race, pos), pos);

	check_words(race, words, pos, n > 0 ? n : 0);
}

/* In a child: a page behind the end is a SIGBUS. */
static void look_at_map(struct race *race)
{
	pid_t child = fork();
	char *map;
	int i;

	if (child) {
		waitpid(child, NULL, 0);
		rnd(&race->state);
		return;
	}
	signal(SIGBUS, SIG_DFL);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, race->file.fd, 0);
	for (i = 0; map != MAP_FAILED && i < 200; i++) {
		size_t pos = any_position(race) / 4096 * 4096;
		volatile uint64_t *word = (volatile uint64_t *)(map + pos);

		check_words(race, word, pos, 4096);
		*word = pos;
	}
	_exit(0);
}

static void cut(struct race *race)
{
	size_t pos = any_position(race), len = any_length(race, pos);

	switch (rnd_below(&race->state, 4)) {
	case 0:
		if (ftruncate(race->file.fd, pos))
			break;
		break;
	case 1:
		fallocate(race->file.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, pos, len);
		break;
	case 2:
		fallocate(race->file.fd, FALLOC_FL_KEEP_SIZE, pos, len);
		break;
	}
	usleep(rnd_below(&race->state, 20000));
}

/* Free memory that is not zero. */
static void leave_dirt(struct race *race)
{
	size_t len = 16 * MIB;
	char *dirt = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)race;
	if (dirt == MAP_FAILED)
		return;
	memset(dirt, (int)(DIRT & 0xff), len);
	munmap(dirt, len);
	usleep(5000);
}

static void kill_a_copier(struct race *race)
{
	pid_t child = fork();

	if (!child)
		while (true)
			copy_in(race);
	usleep(rnd_below(&race->state, 60000));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	rnd(&race->state);
}

static void (*const roles[])(struct race *) = {copy_in,	    copy_in, copy_out,	 look,
					       look_at_map, cut,     leave_dirt, kill_a_copier};

/* --- the race --------------------------------------------------------------------- */

static void make_sources(void)
{
	static uint64_t words[WORDS];
	size_t i;

	for (i = 0; i < WORDS; i++)
		words[i] = i * sizeof(*words);
	for (i = 0; i < ARRAY_SIZE(disks); i++)
		close(make_file(disks[i], "memory-race", words, SIZE, O_RDONLY));
}

static void run(struct race *race, double seconds)
{
	pid_t children[ARRAY_SIZE(roles)];
	double end = now() + seconds;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i])
			continue;
		race->state += i * 7919;
		while (now() < end)
			roles[i](race);
		_exit(0);
	}
	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		int status;

		CHECK_EQ(waitpid(children[i], &status, 0), children[i]);
		CHECK_EQ(status, 0);
	}
}

static void race_on(const char *kind)
{
	struct race race = {.state = random_seed(), .seen = shared_memory(sizeof(struct seen))};
	const char *seconds = getenv("RACE_SECONDS");

	race.file = memory_file_create(kind);
	CHECK_EQ(ftruncate(race.file.fd, SIZE), 0);
	make_sources();
	run(&race, seconds ? atof(seconds) : 8);
	note("%s, seed %llu: %llu MiB in, %llu MiB out", kind, (unsigned long long)random_seed(),
	     (unsigned long long)race.seen->copied_in / MIB,
	     (unsigned long long)race.seen->copied_out / MIB);
	context("%s: the word at %llx is %llx", kind, (unsigned long long)race.seen->where,
		(unsigned long long)race.seen->wrong);
	CHECK_EQ(race.seen->wrong, 0);
	CHECK(race.seen->copied_in > SIZE);
	CHECK(race.seen->copied_out > 0);
	memory_file_destroy(&race.file);
}

static void on_memfd(void)
{
	race_on("memfd");
}
static void on_huge(void)
{
	race_on("huge");
}
static void on_shmem(void)
{
	race_on("shmem");
}
static void on_udmabuf(void)
{
	race_on("udmabuf");
}

CASE({"every byte of a memfd is right, whatever others do to it", on_memfd, 900},
     {"every byte is right of a file on a tmpfs with huge pages", on_huge, 900},
     {"every byte is right of a file on shmem", on_shmem, 900},
     {"every byte is right of a file on udmabuf", on_udmabuf, 900}, )
