// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A copy with a hanging source delays tasks that would change the file's size or bytes,
 * for any time, and no other task.
 */
#define _GNU_SOURCE
#include "disk.h"
#include "memory.h"
#include "server.h"
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (256 * KIB)
#define SOON 3000 /* milliseconds */
#define HANG 30000
#define CUT  (10 * KIB)

static char content[SIZE], old[SIZE], have[2 * SIZE];
/* Closing a file waits for its copies. */
static const struct server_options thorough = {
	.open = OPEN_PASSTHROUGH,
	.flush = true,
};

struct hang {
	struct server server;
	struct disk disk; /* with the source */
	pid_t copier;
};

/*
 * A file full of old bytes, written to within its size since the server was
 * last told, and somebody who copies all of a source that hangs into it.
 */
static struct hang begin(void)
{
	struct hang h;
	int source, file;

	need_patched();
	pattern(content, SIZE, 151);
	pattern(old, SIZE, 152);
	h.server = server_create(&thorough);
	source = make_file("ext4", "fuse-waiting", old, SIZE, O_RDONLY);
	file = server_open(&h.server, O_RDWR);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	close(file);
	file = server_open(&h.server, O_RDWR);
	write_at(file, old, 1, 0);
	h.disk = disk_create("ext4", 16 * MIB);
	source = disk_file(&h.disk, "source", content, SIZE, O_RDONLY);
	disk_delay(&h.disk, HANG);
	server_reset(&h.server);
	h.copier = server_copy(&h.server, source, file, SIZE);
	disk_await(h.copier);
	close(file);
	return h;
}

/* The source answers: the copy completes, and then its waiters run. */
static void end(struct hang *h, pid_t waiter)
{
	CHECK_EQ(outcome(h->copier, 10), -1);
	disk_delay(&h->disk, 0);
	CHECK_EQ(outcome(h->copier, SOON), 0);
	if (waiter)
		CHECK_EQ(outcome(waiter, SOON), 0);
}

static void finish(struct hang *h)
{
	server_destroy(&h->server);
	disk_destroy(&h->disk);
}

static void expect_file(struct hang *h, const char *want, size_t size)
{
	int file = server_open(&h->server, O_RDONLY);
	struct stat st;

	CHECK_EQ(fstat(file, &st), 0);
	CHECK_EQ(st.st_size, size);
	CHECK_EQ(h->server.shared->size, size);
	read_at(file, have, size, 0);
	CHECK_EQ(first_difference(have, want, size), -1);
	close(file);
}

typedef int action(struct hang *h);

/* In a process of its own, which closes its files before it ends. */
static pid_t start(struct hang *h, action *act)
{
	pid_t pid = server_fork(&h->server);

	if (!pid)
		_exit(act(h));
	return pid;
}

static int look(struct hang *h)
{
	struct stat st;

	return stat(h->server.path, &st) ? errno : st.st_size != SIZE;
}

static int read_all(struct hang *h)
{
	int file = server_open(&h->server, O_RDONLY);

	read_at(file, have, SIZE, 0);
	return first_difference(have, old, SIZE) >= 0 || close(file);
}

static int open_to_write(struct hang *h)
{
	return close(server_open(&h->server, O_RDWR));
}

/* The server does not do that; it has to be asked. */
static int remove_name(struct hang *h)
{
	return unlink(h->server.path) && errno != ENOSYS;
}

static int change_mode(struct hang *h)
{
	return chmod(h->server.path, 0640) ? errno : 0;
}

static const struct {
	const char *name;
	action *act;
} others[] = {
	{"stat", look},		{"read", read_all},	 {"open and close", open_to_write},
	{"chmod", change_mode}, {"unlink", remove_name},
};

static void all_others_at_once(struct hang *h, const char *when)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		context("%s, %s", others[i].name, when);
		CHECK_EQ(outcome(start(h, others[i].act), SOON), 0);
	}
	context("%s", "");
}

static void no_task_waits(void)
{
	struct hang h = begin();

	all_others_at_once(&h, "no other task");
	CHECK_EQ(server_asked(&h.server, FUSE_UNLINK), 1);
	end(&h, 0);
	expect_file(&h, content, SIZE);
	finish(&h);
}

static int write_end(struct hang *h)
{
	int file = server_open(&h->server, O_RDWR);

	return pwrite(file, content, 1000, SIZE) != 1000;
}

static int write_middle(struct hang *h)
{
	int file = server_open(&h->server, O_RDWR);

	return pwrite(file, old, 1000, 5000) != 1000;
}

static int copy_more(struct hang *h)
{
	int source = open_file("ext4", "fuse-waiting", O_RDONLY);

	int file = server_open(&h->server, O_RDWR);

	return copy_all(source, 0, file, CUT, 1000) != 1000;
}

static int cut(struct hang *h)
{
	return truncate(h->server.path, CUT) ? errno : 0;
}

static int lengthen(struct hang *h)
{
	return truncate(h->server.path, 2 * SIZE) ? errno : 0;
}

static int empty(struct hang *h)
{
	return close(server_open(&h->server, O_RDWR | O_TRUNC));
}

static int allocate(struct hang *h)
{
	return posix_fallocate(server_open(&h->server, O_RDWR), 0, 2 * SIZE);
}

/* Told to go they go, and the copy knows nothing of it. */
static void killed_waiters(void)
{
	static const struct {
		const char *name;
		action *act;
	} waiters[] = {
		{"write", write_middle},      {"write behind the end", write_end},
		{"copy", copy_more},	      {"truncate", cut},
		{"open with O_TRUNC", empty}, {"fallocate", allocate},
	};
	struct hang h = begin();
	size_t i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		context("%s", waiters[i].name);
		pid = start(&h, waiters[i].act);
		CHECK_EQ(outcome(pid, 200), -1);
		kill(pid, SIGKILL);
		CHECK_EQ(outcome(pid, SOON), 128 + SIGKILL);
	}
	all_others_at_once(&h, "after those that were killed");
	end(&h, 0);
	expect_file(&h, content, SIZE);
	finish(&h);
}

/* Waiting writers hold no lock that others need. */
static void behind_a_writer(void)
{
	struct hang h = begin();
	pid_t writer = start(&h, write_middle), copier = start(&h, copy_more);

	CHECK_EQ(outcome(writer, 200), -1);
	all_others_at_once(&h, "behind a writer");
	CHECK_EQ(outcome(copier, 10), -1);
	end(&h, writer);
	CHECK_EQ(outcome(copier, SOON), 0);
	memcpy(content + 5000, old, 1000);
	memcpy(content + CUT, old, 1000);
	expect_file(&h, content, SIZE);
	finish(&h);
}

/*
 * The system call has locked the inode by then, which the system calls chmod and
 * unlink wait for. Who only reads has nothing to do with that, nor has close().
 */
static void behind_a_truncate(void)
{
	struct hang h = begin();
	pid_t pid = start(&h, cut);

	CHECK_EQ(outcome(pid, 200), -1);
	CHECK_EQ(outcome(start(&h, look), SOON), 0);
	CHECK_EQ(outcome(start(&h, read_all), SOON), 0);
	CHECK_EQ(outcome(start(&h, open_to_write), SOON), 0);
	end(&h, pid);
	expect_file(&h, content, CUT);
	finish(&h);
}

/* A write, a cut and a growth that waited happen after all of the copy. */
static void waits_for_copy(action *act, const char *want, size_t size)
{
	struct hang h = begin();
	pid_t pid = start(&h, act);

	CHECK_EQ(outcome(pid, 200), -1);
	end(&h, pid);
	expect_file(&h, want, size);
	finish(&h);
}

static char expected[2 * SIZE];

static void writer_waits(void)
{
	pattern(expected, SIZE, 151);
	pattern(expected + SIZE, 1000, 151);
	waits_for_copy(write_end, expected, SIZE + 1000);
}

static void cutter_waits(void)
{
	pattern(expected, SIZE, 151);
	waits_for_copy(cut, expected, CUT);
}

static void grower_waits(void)
{
	pattern(expected, SIZE, 151);
	waits_for_copy(lengthen, expected, 2 * SIZE);
}

static int down_and_up(struct hang *h)
{
	return cut(h) || lengthen(h);
}

static void down_and_up_waits(void)
{
	pattern(expected, SIZE, 151);
	memset(expected + CUT, 0, SIZE - CUT);
	waits_for_copy(down_and_up, expected, 2 * SIZE);
}

CASE({"a hung source delays no other task at the file", no_task_waits},
     {"a task that waits for a hung source can be killed", killed_waiters},
     {"a writer that waits for a hung source delays no task either", behind_a_writer},
     {"a truncate that waits for a hung source delays no task either", behind_a_truncate},
     {"a write waits for a copy, and comes after it", writer_waits},
     {"a truncate waits for a copy, and cuts it", cutter_waits},
     {"a growth waits for a copy, and keeps it", grower_waits},
     {"down and up again leaves the rest of a copy, and zeros", down_and_up_waits}, )
