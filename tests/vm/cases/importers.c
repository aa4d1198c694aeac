// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A buffer and its devices: copies go on while they use it, and neither waits for the other.
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

	CHECK_EQ(copy_all(buffer, 0, file, 0, SIZE), SIZE);
	read_at(open_file("ext4", "importers", O_RDONLY), have, SIZE, 0);
	CHECK_EQ(first_difference(have, old, SIZE), -1);

	write_at(file, content, SIZE, 0);
	CHECK_EQ(copy_all(file, 0, buffer, 0, SIZE), SIZE);
	expect(buffer, content, SIZE, 0);
	let_go(&importer);
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
		CHECK_EQ(copy_all(buffer, 0, file, 0, SCREEN_BYTES), SCREEN_BYTES);
		memset(seen, i, SCREEN_BYTES);
		poke(buffer, seen, SCREEN_BYTES, 0);
		CHECK_EQ(copy_all(file, 0, buffer, 0, SCREEN_BYTES), SCREEN_BYTES);
		expect(buffer, frame, SCREEN_BYTES, 0);
		CHECK_EQ(ftruncate(file, 0), 0);
	}
	screen_hide(&screen);
	expect(buffer, frame, SCREEN_BYTES, 0);
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
		if (copy_once(file, 0, buffer, 0, SIZE) < 0)
			_exit(1);
}

static void stop_copier(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
}

/* Devices come and go while it is copied into the buffer, and no copy fails. */
static void together(void)
{
	struct importer importer = open_importer("vgem");
	pid_t copiers[2];
	int buffer, file, i;

	prepare("system", &buffer, &file);
	for (i = 0; i < 2; i++)
		copiers[i] = start_copier(file, buffer);
	for (i = 0; i < 300; i++) {
		CHECK_EQ(hold(&importer, buffer), 0);
		usleep(500);
		let_go(&importer);
	}
	for (i = 0; i < 2; i++)
		stop_copier(copiers[i]);
	CHECK_EQ(copy_all(file, 0, buffer, 0, SIZE), SIZE);
	expect(buffer, content, SIZE, 0);
}

/* An importer may hold what a whole device needs, so it waits for no file. */
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
	CHECK_EQ(hold(&importer, buffer), 0);
	note("an importer waited for %.3f s", now() - start);
	CHECK(now() - start < 1);

	slow_answer(&slow);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	expect(buffer, content, SIZE, 0);
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

CASE({"a system buffer that vgem holds is read and filled", held_system},
     {"a contiguous buffer that vgem holds is read and filled", held_cma},
     {"a udmabuf that vgem holds is read and filled", held_udmabuf},
     {"a system buffer that vkms holds is read and filled", held_vkms},
     {"a system buffer on a screen is read and filled", shown_system},
     {"a udmabuf on a screen is read and filled", shown_udmabuf},
     {"importers and copiers do not disturb each other", together},
     {"an importer does not wait for a hung file", hung_source},
     {"a buffer stays usable while a copy waits for a hung file", usable_meanwhile}, )
