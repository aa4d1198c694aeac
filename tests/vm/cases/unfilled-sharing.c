// SPDX-License-Identifier: GPL-2.0-or-later
/* Several users of a buffer that is not filled: none undoes the work of another. */
#define _GNU_SOURCE
#include "memory.h"
#include "screen.h"
#include "slow.h"
#include "unfilled.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Copy a share of all pieces, in another order than the others. */
static void copy_share(int file, int buffer, unsigned int share)
{
	const size_t piece = 200 * KIB + 512, pieces = MEDIUM / piece;
	size_t i, at;

	for (i = 0; i < pieces; i++) {
		at = share & 1 ? i : pieces - 1 - i;
		/* each is copied by two, and some by none */
		if (at % 5 == 4 || (at + share) % 4 > 1)
			continue;
		if (copy_all(file, at * piece, buffer, at * piece, piece) != (ssize_t)piece)
			_exit(1);
	}
	_exit(0);
}

static void await(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void parallel(int flags)
{
	const size_t piece = 200 * KIB + 512;
	int file, buffer, round;
	pid_t pids[4];
	size_t i;

	prepare("system");
	file = make_source(flags);
	for (round = 0; round < 5; round++) {
		buffer = unfilled_buffer("system", MEDIUM);
		for (i = 0; i < MEDIUM / piece; i++)
			if (i % 5 != 4)
				memcpy(want + i * piece, content + i * piece, piece);
		for (i = 0; i < ARRAY_SIZE(pids); i++) {
			pids[i] = fork();
			if (!pids[i])
				copy_share(file, buffer, i);
		}
		for (i = 0; i < ARRAY_SIZE(pids); i++)
			await(pids[i]);
		expect_all(next_view(), buffer, MEDIUM);
		discard(buffer, MEDIUM);
	}
}

static void parallel_cached(void)
{
	parallel(0);
}
static void parallel_direct(void)
{
	parallel(O_DIRECT);
}

/* A map zeroes the rest, unless a copy is filling it just now. */
static void glance_map(int buffer)
{
	void *map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, buffer, 0);

	if (map == MAP_FAILED)
		CHECK_EQ(errno, EBUSY);
	else
		munmap(map, PAGE);
}

static void glance_read(int buffer)
{
	char byte;

	read_at(buffer, &byte, 1, MEDIUM / 2);
}

/* No device gets in, and no copy is disturbed by the attempt. */
static void glance_attach(int buffer)
{
	struct importer vgem = open_importer("vgem");
	const int error = hold(&vgem, buffer);

	CHECK(error == 0 || error == -EBUSY);
	if (!error)
		let_go(&vgem);
	close(vgem.card);
}

/* A look at a buffer during a copy loses no byte. */
static void looked_at_meanwhile(void)
{
	static void (*const glances[])(int) = {
		glance_map,
		glance_read,
		glance_attach,
	};
	uint64_t state = 175;
	int file, buffer, i;
	pid_t pid;

	prepare("system");
	file = make_source(O_DIRECT);
	for (i = 0; i < 21; i++) {
		buffer = unfilled_buffer("system", MEDIUM);
		memcpy(want, content, MEDIUM);
		pid = fork();
		if (!pid)
			_exit(copy_all(file, 0, buffer, 0, MEDIUM) != (ssize_t)MEDIUM);
		usleep(rnd_below(&state, 10000));
		glances[i % ARRAY_SIZE(glances)](buffer);
		await(pid);
		expect_all(next_view(), buffer, MEDIUM);
		discard(buffer, MEDIUM);
	}
}

/* Start a copy of the first MiB from a file that hangs behind @at_once bytes. */
static pid_t start_copy_that_hangs(struct slow_file *slow, int buffer, size_t at_once)
{
	pid_t pid;

	*slow = slow_create_behind(content, 1 * MIB, at_once);
	pid = fork();
	if (!pid)
		_exit(copy_all(slow->fd, 0, buffer, 0, 1 * MIB) != (ssize_t)(1 * MIB));
	slow_await_reader(slow);
	memcpy(want, content, 1 * MIB);
	return pid;
}

/* What is filled can be used by all. Access to the rest fails at once. */
static void hung(void)
{
	struct importer vgem = open_importer("vgem");
	struct slow_file slow;
	int buffer, file;
	double start;
	pid_t pid;

	prepare("system");
	file = make_source(O_DIRECT);
	buffer = unfilled_buffer("system", SMALL);
	copy_in(file, buffer, 0, 64 * KIB);
	pid = start_copy_that_hangs(&slow, buffer, 0);

	start = now();
	read_at(buffer, have, 64 * KIB, 0);
	CHECK_EQ(first_difference(have, content, 64 * KIB), -1);
	copy_in(file, buffer, PAGE, 32 * KIB);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, buffer, 0) == MAP_FAILED);
	CHECK_EQ(errno, EBUSY);
	CHECK_EQ(hold(&vgem, buffer), -EBUSY);
	CHECK(now() - start < 1);

	slow_answer(&slow);
	await(pid);
	settle(buffer);
	CHECK_EQ(hold(&vgem, buffer), 0);
	let_go(&vgem);
	expect_all(&views[0], buffer, SMALL);
}

/* The part that arrived stays, and the rest is zeroed for a copy behind it. */
static void arrived_in_front(size_t at_once, bool killed)
{
	struct slow_file slow;
	int buffer, file;
	pid_t pid;

	prepare("system");
	file = make_source(O_DIRECT);
	buffer = unfilled_buffer("system", SMALL);
	pid = start_copy_that_hangs(&slow, buffer, at_once);
	if (killed)
		kill(pid, SIGKILL);
	slow_answer(&slow);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	copy_in(file, buffer, 1 * MIB + 100, 10000);
	if (!killed)
		expect_all(next_view(), buffer, SMALL);
	else
		expect_nothing_else(buffer, SMALL);
}

static void killed_in_front(void)
{
	arrived_in_front(0, true);
	arrived_in_front(512 * KIB, true);
}
static void in_front(void)
{
	arrived_in_front(0, false);
	arrived_in_front(512 * KIB, false);
}

/* One of the tasks that access the first bytes on command. */
static pid_t start_waiter(int file, int buffer, int way, int start)
{
	pid_t pid = fork();
	char go;

	CHECK(pid >= 0);
	if (pid)
		return pid;
	if (read(start, &go, 1) != 1)
		_exit(1);
	if (way == 0)
		pread(buffer, have, 10, 1000);
	else if (way == 1)
		pwrite(buffer, have, 10, 1000);
	else if (way == 2)
		settle(buffer);
	else
		copy_once(file, 0, buffer, 1000, 10);
	_exit(0);
}

/* A task that waits for bytes can be killed. */
static void killed_waiters(void)
{
	struct slow_file slow;
	pid_t copier, waiters[4];
	int buffer, file, start[2];
	double then;
	size_t i;

	prepare("system");
	file = make_source(0);
	buffer = unfilled_buffer("system", SMALL);
	CHECK_EQ(pipe(start), 0);
	/* before the hung file is open, which they would wait for at their end */
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		waiters[i] = start_waiter(file, buffer, i, start[0]);
	copier = start_copy_that_hangs(&slow, buffer, 0);
	CHECK_EQ(write(start[1], "1234", 4), 4);
	usleep(200000);
	then = now();
	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		CHECK_EQ(waitpid(waiters[i], NULL, WNOHANG), 0);
		kill(waiters[i], SIGKILL);
		CHECK_EQ(waitpid(waiters[i], NULL, 0), waiters[i]);
	}
	CHECK(now() - then < 2);
	slow_answer(&slow);
	await(copier);
	expect_all(next_view(), buffer, SMALL);
}

/* A write waits for the bytes that it writes, and delays no other task. */
static void waiting_writer(void)
{
	struct importer vgem = open_importer("vgem");
	struct slow_file slow;
	char *map;
	int buffer;
	pid_t pid;

	prepare("system");
	buffer = unfilled_buffer("system", SMALL);
	slow = slow_create(content, 1 * MIB);
	map = mmap(NULL, 1 * MIB, PROT_READ, MAP_SHARED, slow.fd, 0);
	CHECK(map != MAP_FAILED);
	pid = fork();
	if (!pid) {
		write_at(buffer, map, 1 * MIB, 0);
		_exit(0);
	}
	slow_await_reader(&slow);
	expect(buffer, want, SMALL, 0);
	CHECK_EQ(hold(&vgem, buffer), 0);
	slow_answer(&slow);
	await(pid);
	memcpy(want, content, 1 * MIB);
	expect_all(next_view(), buffer, SMALL);
}

CASE({"cached copies in parallel all arrive", parallel_cached, 120},
     {"direct copies in parallel all arrive", parallel_direct, 120},
     {"a look does not undo a copy", looked_at_meanwhile, 120},
     {"a hung file delays only access to what it has not filled", hung},
     {"what a killed copy left out is zeros for one behind it", killed_in_front},
     {"the part of a copy that arrived stays, and one behind it follows", in_front},
     {"a task that waits for a hung file's bytes can be killed", killed_waiters},
     {"a writer that waits for its bytes delays no task", waiting_writer}, )
