// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: crowd list|rename|replace DIRECTORY SECONDS
 *
 * list: threads make and remove files in DIRECTORY while others read it and must find each
 * unchanged file exactly once. rename: threads move, replace and exchange files; none may
 * be lost, doubled, or hold another's data. replace: one file is replaced all the time;
 * each open finds one of the versions, complete.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STAYING 500
#define THREADS 4

static atomic_bool over, wrong;
static atomic_uint rounds;
static time_t end;

static bool going(void)
{
	if (time(NULL) >= end)
		over = true;
	return !over && !wrong;
}

static void complain(const char *what, const char *name)
{
	printf("%s: %s (%s)\n", what, name, strerror(errno));
	wrong = true;
}

static void touch(const char *name)
{
	const int fd = open(name, O_CREAT | O_WRONLY, 0644);

	if (fd < 0)
		complain("cannot make", name);
	close(fd);
}

static void start(pthread_t *threads, unsigned count, void *(*function)(void *))
{
	static unsigned seeds[2 * THREADS];
	static unsigned used;

	for (unsigned i = 0; i < count; i++, used++) {
		seeds[used] = used + (unsigned)time(NULL);
		pthread_create(&threads[i], NULL, function, &seeds[used]);
	}
}

static void finish(const pthread_t *threads, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

/* --- list ----------------------------------------------------------------------- */

static void *come_and_go(void *seed)
{
	char name[64];

	while (going()) {
		snprintf(name, sizeof(name), "guest-%u", (unsigned)rand_r(seed) % 300);
		if (rand_r(seed) % 2)
			touch(name);
		else if (unlink(name) && errno != ENOENT)
			complain("cannot remove", name);
	}
	return NULL;
}

/* With a buffer so small that one listing takes many calls. */
static void list_once(size_t room)
{
	static _Thread_local unsigned char seen[STAYING];
	char *const entries = malloc(room);
	const int fd = open(".", O_RDONLY | O_DIRECTORY);
	long count;

	memset(seen, 0, sizeof(seen));
	while ((count = syscall(SYS_getdents64, fd, entries, room)) > 0) {
		for (long at = 0; at < count;) {
			const struct dirent64 *entry = (const struct dirent64 *)(entries + at);
			unsigned number;

			if (sscanf(entry->d_name, "staying-%u", &number) == 1 && seen[number]++)
				complain("listed twice", entry->d_name);
			at += entry->d_reclen;
		}
	}
	if (count < 0)
		complain("cannot list", "directory");
	for (unsigned i = 0; i < STAYING; i++)
		if (!seen[i]) {
			errno = 0;
			printf("number %u: ", i);
			complain("not listed", "a file that stays");
			break;
		}
	close(fd);
	free(entries);
	rounds++;
}

static void *list(void *seed)
{
	while (going())
		list_once(400u + (unsigned)rand_r(seed) % 8000);
	return NULL;
}

static void crowd_list(void)
{
	pthread_t guests[THREADS], readers[THREADS];
	char name[64];

	for (unsigned i = 0; i < STAYING; i++) {
		snprintf(name, sizeof(name), "staying-%u", i);
		touch(name);
	}
	start(guests, THREADS, come_and_go);
	start(readers, THREADS, list);
	finish(guests, THREADS);
	finish(readers, THREADS);
}

/* --- rename ---------------------------------------------------------------------- */

#define MOVERS 40

static void place(char *path, size_t size, unsigned number)
{
	snprintf(path, size, "dir%u/place%u", number % 3, number);
}

static void *move(void *seed)
{
	char from[64], to[64];

	while (going()) {
		place(from, sizeof(from), (unsigned)rand_r(seed) % (2 * MOVERS));
		place(to, sizeof(to), (unsigned)rand_r(seed) % (2 * MOVERS));
		const unsigned flags = rand_r(seed) % 2 ? RENAME_EXCHANGE : RENAME_NOREPLACE;

		if (renameat2(AT_FDCWD, from, AT_FDCWD, to, flags) && errno != ENOENT &&
		    errno != EEXIST)
			complain("cannot move", from);
		rounds++;
	}
	return NULL;
}

/* Each found file holds the complete name of one of the files. */
static void *look(void *seed)
{
	char path[64], text[32];

	while (going()) {
		place(path, sizeof(path), (unsigned)rand_r(seed) % (2 * MOVERS));
		const int fd = open(path, O_RDONLY);

		if (fd < 0 && errno != ENOENT)
			complain("cannot open", path);
		if (fd < 0)
			continue;
		if (read(fd, text, sizeof(text)) != 8 || strncmp(text, "mover", 5))
			complain("holds something else", path);
		close(fd);
	}
	return NULL;
}

static void count_movers(void)
{
	bool found[MOVERS] = {};
	unsigned count = 0;
	char path[64], text[32];

	for (unsigned i = 0; i < 2 * MOVERS; i++) {
		place(path, sizeof(path), i);
		const int fd = open(path, O_RDONLY);

		if (fd < 0)
			continue;
		if (read(fd, text, sizeof(text)) != 8)
			complain("not whole", path);
		const unsigned number = (unsigned)atoi(text + 5);

		if (number >= MOVERS || found[number])
			complain("there twice", path);
		else
			found[number] = true;
		count++;
		close(fd);
	}
	if (count != MOVERS)
		complain("files were lost", "");
}

static void crowd_rename(void)
{
	pthread_t movers[THREADS], lookers[THREADS];
	char path[64], text[32];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "dir%u", i);
		mkdir(path, 0755);
	}
	for (unsigned i = 0; i < MOVERS; i++) {
		place(path, sizeof(path), i);
		const int fd = open(path, O_CREAT | O_WRONLY, 0644);

		snprintf(text, sizeof(text), "mover%03u", i);
		if (write(fd, text, 8) != 8)
			complain("cannot write", path);
		close(fd);
	}
	start(movers, THREADS, move);
	start(lookers, THREADS, look);
	finish(movers, THREADS);
	finish(lookers, THREADS);
	count_movers();
}

/* --- replace --------------------------------------------------------------------- */

static void *replace(void *seed)
{
	char name[64], text[4096];

	snprintf(name, sizeof(name), "new%p", seed);
	while (going()) {
		const int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);

		memset(text, 'a' + rand_r(seed) % 26, sizeof(text));
		if (fd < 0 || write(fd, text, sizeof(text)) != sizeof(text))
			complain("cannot write", name);
		close(fd);
		if (rename(name, "published"))
			complain("cannot replace", name);
		rounds++;
	}
	return NULL;
}

static void *consume(void *seed)
{
	char text[4096];

	while (going()) {
		const int fd = open("published", rand_r(seed) % 2 ? O_RDONLY : O_RDWR);

		if (fd < 0)
			complain("cannot open", "published");
		else if (read(fd, text, sizeof(text)) != sizeof(text) ||
			 memcmp(text, text + 1, sizeof(text) - 1))
			complain("is not whole", "published");
		close(fd);
	}
	return NULL;
}

static void crowd_replace(void)
{
	pthread_t publishers[2], consumers[THREADS];
	char text[4096];
	const int fd = open("published", O_CREAT | O_WRONLY, 0644);

	memset(text, 'a', sizeof(text));
	if (write(fd, text, sizeof(text)) != sizeof(text))
		complain("cannot write", "published");
	close(fd);
	start(publishers, 2, replace);
	start(consumers, THREADS, consume);
	finish(publishers, 2);
	finish(consumers, THREADS);
}

int main(int argc, char *argv[])
{
	if (argc != 4 || chdir(argv[2]))
		return 2;
	end = time(NULL) + atoi(argv[3]);
	if (!strcmp(argv[1], "list"))
		crowd_list();
	else if (!strcmp(argv[1], "rename"))
		crowd_rename();
	else
		crowd_replace();
	printf("%u rounds\n", rounds);
	return wrong ? 1 : 0;
}
