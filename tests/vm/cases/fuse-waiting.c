// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A copy with a hanging source delays its own process, and those that need more memory than
 * there is. All others read, write, cut and remove the file meanwhile.
 */
#define _GNU_SOURCE
#include "disk.h"
#include "memory.h"
#include "server.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (256 * KIB)
#define SOON 3000 /* milliseconds */
#define HANG 30000
#define CUT  (10 * KIB)
/* Enough of a file for it to be read through the page cache. */
#define CACHED (200 * KIB)

static char content[SIZE], old[SIZE], have[2 * SIZE], expected[2 * SIZE];
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
 * A file full of old bytes, written to within its size since the server was last told, and a
 * process that copies a source into it. The source hangs behind its first @cached bytes.
 */
static struct hang begin_with(size_t cached)
{
	struct hang h;
	int source, file;

	need_patched();
	pattern(content, SIZE, 151);
	pattern(old, SIZE, 152);
	memset(expected, 0, sizeof(expected));
	h.server = server_create(&thorough);
	source = make_file("ext4", "fuse-waiting", old, SIZE, O_RDONLY);
	file = server_open(&h.server, O_RDWR);
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	close(file);
	file = server_open(&h.server, O_RDWR);
	write_at(file, old, 1, 0);
	h.disk = disk_create("ext4", 16 * MIB);
	source = disk_file(&h.disk, "source", content, SIZE, O_RDONLY);
	posix_fadvise(source, 0, 0, POSIX_FADV_RANDOM);
	read_at(source, have, cached, 0);
	disk_delay(&h.disk, HANG);
	server_reset(&h.server);
	h.copier = server_copy(&h.server, source, file, SIZE);
	disk_await(h.copier);
	close(file);
	return h;
}

static struct hang begin(void)
{
	return begin_with(0);
}

/* The source answers: the copy completes, and then its waiter runs. */
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

/* Without a look at the content, if that is @changed. */
static void all_others_at_once(struct hang *h, const char *when, bool changed)
{
	size_t i;

	for (i = changed ? 2 : 0; i < ARRAY_SIZE(others); i++) {
		context("%s, %s", others[i].name, when);
		CHECK_EQ(outcome(start(h, others[i].act), SOON), 0);
	}
	context("%s", "");
}

static void no_task_waits(void)
{
	struct hang h = begin();

	all_others_at_once(&h, "no other task", false);
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

static int copy_end(struct hang *h)
{
	int source = make_file("ext4", "fuse-waiting", content, 1000, O_RDONLY);
	int file = server_open(&h->server, O_RDWR);

	return copy_all(source, 0, file, SIZE, 1000) != 1000;
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

/* None of these waits. The copy comes after them, whatever they have done to its range. */
static void comes_after(action *act, size_t cached)
{
	struct hang h = begin_with(cached);

	CHECK_EQ(outcome(start(&h, act), SOON), 0);
	all_others_at_once(&h, "afterwards", true);
	end(&h, 0);
	expect_file(&h, content, SIZE);
	finish(&h);
}

static void after_a_cut(void)
{
	comes_after(cut, 0);
}
static void after_a_truncating_open(void)
{
	comes_after(empty, 0);
}
/* A cut, and a write behind a gap that the copy has filled already. */
static int cut_and_write(struct hang *h)
{
	int file = server_open(&h->server, O_RDWR);

	return ftruncate(file, CUT) || pwrite(file, content + SIZE - 1, 1, SIZE - 1) != 1 ||
	       close(file);
}

static void after_a_gap(void)
{
	comes_after(cut_and_write, 0);
}

/* The same if most of the source has arrived by then, and is cut off. */
static void partly_after_a_cut(void)
{
	comes_after(empty, CACHED);
}
static void partly_after_a_gap(void)
{
	comes_after(cut_and_write, CACHED);
}

/* Bytes that both write may be those of either. */
static void beside_writers(void)
{
	struct hang h = begin();
	int file;

	CHECK_EQ(outcome(start(&h, write_middle), SOON), 0);
	CHECK_EQ(outcome(start(&h, copy_more), SOON), 0);
	all_others_at_once(&h, "beside writers", true);
	end(&h, 0);
	file = server_open(&h.server, O_RDONLY);
	read_at(file, have, SIZE, 0);
	memcpy(have + 5000, content + 5000, 1000);
	memcpy(have + CUT, content + CUT, 1000);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	close(file);
	finish(&h);
}

/* The memory can't be replaced by a larger one while it is filled. */
static void waits_for_room(action *act, bool killed)
{
	struct hang h = begin();
	pid_t pid = start(&h, act);

	CHECK_EQ(outcome(pid, 200), -1);
	all_others_at_once(&h, "beside a task that needs room", false);
	if (killed) {
		kill(pid, SIGKILL);
		CHECK_EQ(outcome(pid, SOON), 128 + SIGKILL);
	}
	end(&h, killed ? 0 : pid);
	memcpy(expected, content, SIZE);
	memcpy(expected + SIZE, content, 1000);
	expect_file(&h, expected, killed ? SIZE : SIZE + 1000);
	finish(&h);
}

static void writer_waits(void)
{
	waits_for_room(write_end, false);
}
static void killed_writer(void)
{
	waits_for_room(write_end, true);
}
static void copier_waits(void)
{
	waits_for_room(copy_end, false);
}
static void killed_copier(void)
{
	waits_for_room(copy_end, true);
}

/* They can't wait, with the inode locked. */
static void growth_is_refused(void)
{
	struct hang h = begin();

	CHECK_EQ(outcome(start(&h, lengthen), SOON), EBUSY);
	all_others_at_once(&h, "after a refusal", false);
	end(&h, 0);
	CHECK_EQ(outcome(start(&h, lengthen), SOON), 0);
	memcpy(expected, content, SIZE);
	expect_file(&h, expected, 2 * SIZE);
	finish(&h);
}

CASE({"a hung source delays no other task at the file", no_task_waits},
     {"a copy comes after a cut in between", after_a_cut},
     {"a copy comes after an open with O_TRUNC in between", after_a_truncating_open},
     {"a copy comes after a gap in between", after_a_gap},
     {"a copy fills again what was cut off", partly_after_a_cut},
     {"a copy fills again what was zeroed as a gap", partly_after_a_gap},
     {"a copy delays no writer and no copy beside it", beside_writers},
     {"a write that needs room waits", writer_waits},
     {"a write that waits for room can be killed", killed_writer},
     {"a copy that needs room waits", copier_waits},
     {"a copy that waits for room can be killed", killed_copier},
     {"a growth that needs room is refused", growth_is_refused}, )
