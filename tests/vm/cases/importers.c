// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A buffer and its devices: access, exclusion, and short waits on both sides.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "screen.h"
#include "slow.h"
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (1 * MIB)

/* some are written directly */
static char content[SIZE] __attribute__((aligned(4096)));
static char old[SIZE], have[SIZE];

static void prepare(const char *kind, int *buffer, int *file)
{
	need_patched();
	pattern(content, SIZE, 31);
	pattern(old, SIZE, 32);
	*buffer = make_buffer(kind, SIZE);
	poke(*buffer, old, SIZE, 0);
	*file = make_file("ext4", "importers", content, SIZE, O_RDWR | O_DIRECT);
}

static void held(const char *kind, const char *driver)
{
	struct importer importer = open_importer(driver);
	int buffer, file;

	prepare(kind, &buffer, &file);
	CHECK_EQ(hold(&importer, buffer), 0);

	CHECK_ERRNO(copy_once(file, 0, buffer, 0, SIZE), EBUSY);
	expect(buffer, old, SIZE, 0);

	CHECK_EQ(copy_all(buffer, 0, file, 0, SIZE), SIZE);
	read_at(open_file("ext4", "importers", O_RDONLY), have, SIZE, 0);
	CHECK_EQ(first_difference(have, old, SIZE), -1);

	let_go(&importer);
	write_at(file, content, SIZE, 0);
	CHECK_EQ(copy_all(file, 0, buffer, 0, SIZE), SIZE);
	expect(buffer, content, SIZE, 0);
}

static void held_system(void)
{
	held("system", "vgem");
}
static void held_cma(void)
{
	held("cma", "vgem");
}
static void held_udmabuf(void)
{
	held("udmabuf", "vgem");
}
static void held_vkms(void)
{
	held("system", "vkms");
}

/* The kernel itself has the buffer mapped while a screen shows it. */
static void shown(const char *kind)
{
	struct screen screen;
	int buffer, file, i;
	char *frame = malloc(SCREEN_BYTES), *seen = malloc(SCREEN_BYTES);

	need_patched();
	pattern(frame, SCREEN_BYTES, 33);
	buffer = make_buffer(kind, SCREEN_BYTES);
	poke(buffer, frame, SCREEN_BYTES, 0);
	file = make_file("ext4", "shown", "", 0, O_RDWR);
	screen = screen_show(buffer);
	for (i = 0; i < 10; i++) {
		CHECK_ERRNO(copy_once(file, 0, buffer, 0, 4096), EXDEV);
		CHECK_EQ(copy_all(buffer, 0, file, 0, SCREEN_BYTES), SCREEN_BYTES);
		CHECK_ERRNO(copy_once(file, 0, buffer, 0, 4096), EBUSY);
		CHECK_EQ(ftruncate(file, 0), 0);
	}
	CHECK_EQ(copy_all(buffer, 0, file, 0, SCREEN_BYTES), SCREEN_BYTES);
	read_at(file, seen, SCREEN_BYTES, 0);
	CHECK_EQ(first_difference(seen, frame, SCREEN_BYTES), -1);
	screen_hide(&screen);
	CHECK_EQ(copy_all(file, 0, buffer, 0, SCREEN_BYTES), SCREEN_BYTES);
}

static void shown_system(void)
{
	shown("system");
}
static void shown_udmabuf(void)
{
	shown("udmabuf");
}

/* Copy into the buffer again and again until killed. */
static pid_t start_copier(int file, int buffer)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid)
		return pid;
	for (;;)
		if (copy_once(file, 0, buffer, 0, SIZE) < 0 && errno != EBUSY)
			_exit(1);
}

static void stop_copier(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
}

static void not_starved(void)
{
	struct importer importer = open_importer("vgem");
	pid_t copiers[2];
	int buffer, file, i, busy = 0;
	double worst = 0, start;

	prepare("system", &buffer, &file);
	for (i = 0; i < 2; i++)
		copiers[i] = start_copier(file, buffer);
	for (i = 0; i < 300; i++) {
		start = now();
		if (hold(&importer, buffer))
			busy++;
		else
			let_go(&importer);
		if (now() - start > worst)
			worst = now() - start;
		usleep(500);
	}
	for (i = 0; i < 2; i++)
		stop_copier(copiers[i]);
	note("%d of 300 turned away, the longest took %.3f s", busy, worst);
	CHECK_EQ(busy, 0);
	CHECK(worst < 1);
}

/* Copiers get their turn, too, between importers. */
static void copiers_not_starved(void)
{
	struct importer importer = open_importer("vgem");
	int buffer, file, copies = 0;
	double end;
	pid_t pid;

	prepare("system", &buffer, &file);
	pid = fork();
	if (!pid) {
		for (;;) {
			if (!hold(&importer, buffer))
				let_go(&importer);
			usleep(1000);
		}
	}
	for (end = now() + 3; now() < end;)
		if (copy_once(file, 0, buffer, 0, SIZE) == SIZE)
			copies++;
	stop_copier(pid);
	note("%d copies in 3 s", copies);
	CHECK(copies > 10);
}

/*
 * A file that does not answer keeps its copier, but no importer for long: an
 * importer may hold what a whole device needs.
 */
static void hung_source(void)
{
	struct importer importer = open_importer("vgem");
	struct slow_file slow;
	int buffer, file, status;
	double start;
	pid_t pid;

	prepare("system", &buffer, &file);
	slow = slow_create(content, SIZE);
	pid = fork();
	if (!pid)
		_exit(copy_all(slow.fd, 0, buffer, 0, SIZE) != (ssize_t)SIZE);
	slow_await_reader(&slow);
	start = now();
	CHECK_EQ(hold(&importer, buffer), -EBUSY);
	note("an importer was turned away after %.2f s", now() - start);
	CHECK(now() - start < 5);

	/* nothing of the attempt is left to keep the copy from ending */
	slow_answer(&slow);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	expect(buffer, content, SIZE, 0);
	CHECK_EQ(hold(&importer, buffer), 0);
}

/* A task that waits for a hung file can be killed, and leaves the buffer free. */
static void killed_copier(void)
{
	struct importer importer = open_importer("vgem");
	struct slow_file slow;
	int buffer, file, status;
	pid_t pid;

	prepare("system", &buffer, &file);
	slow = slow_create(content, SIZE);
	pid = fork();
	if (!pid)
		_exit(copy_all(slow.fd, 0, buffer, 0, SIZE) < 0);
	slow_await_reader(&slow);
	kill(pid, SIGKILL);
	slow_answer(&slow);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(hold(&importer, buffer), 0);
}

/* No lock of the buffer is held while the file is waited for. */
static void usable_meanwhile(void)
{
	struct slow_file slow;
	int buffer, file, status;
	pid_t pid;
	double start;

	prepare("system", &buffer, &file);
	slow = slow_create(content, SIZE);
	pid = fork();
	if (!pid)
		_exit(copy_all(slow.fd, 0, buffer, 0, SIZE) != (ssize_t)SIZE);
	slow_await_reader(&slow);
	start = now();
	peek(buffer, have, SIZE, 0);
	CHECK_EQ(copy_all(file, 0, buffer, 0, SIZE), SIZE);
	CHECK_EQ(copy_all(buffer, 0, file, 0, SIZE), SIZE);
	CHECK(now() - start < 5);
	slow_answer(&slow);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

CASE({"a system buffer that vgem holds can be read, not filled", held_system},
     {"a contiguous buffer that vgem holds can be read, not filled", held_cma},
     {"a udmabuf that vgem holds can be read, not filled", held_udmabuf},
     {"a system buffer that vkms holds can be read, not filled", held_vkms},
     {"a system buffer on a screen can be read, not filled", shown_system},
     {"a udmabuf on a screen can be read, not filled", shown_udmabuf},
     {"busy copiers do not starve importers", not_starved},
     {"busy importers do not starve copiers", copiers_not_starved},
     {"an importer does not wait for a hung file", hung_source},
     {"a copier killed at a hung file leaves the buffer free", killed_copier},
     {"a buffer stays usable while a copy waits for a hung file", usable_meanwhile}, )
