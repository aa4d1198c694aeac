// SPDX-License-Identifier: GPL-2.0-or-later
/* Several users of a new buffer: none undoes the work of another, nor waits for long. */
#define _GNU_SOURCE
#include "fresh.h"
#include "memory.h"
#include "screen.h"
#include "slow.h"
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
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
		buffer = fresh_buffer("system", MEDIUM);
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

static void glance_map(int buffer)
{
	void *map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, buffer, 0);

	CHECK(map != MAP_FAILED);
	munmap(map, PAGE);
}

static void glance_read(int buffer)
{
	char byte;

	read_at(buffer, &byte, 1, MEDIUM / 2);
}

static void glance_attach(int buffer)
{
	struct importer vgem = open_importer("vgem");

	CHECK_EQ(hold(&vgem, buffer), 0);
	let_go(&vgem);
	close(vgem.card);
}

/* Copy all of it, past the moments that belong to a device. */
static void copy_stubbornly(int file, int buffer)
{
	size_t done = 0;
	int error;

	while (done < MEDIUM) {
		size_t len = 1 * MIB + 513;

		if (len > MEDIUM - done)
			len = MEDIUM - done;
		done += copy_some(file, done, buffer, done, len, &error);
		if (error && error != EBUSY)
			_exit(1);
	}
	_exit(0);
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
		buffer = fresh_buffer("system", MEDIUM);
		memcpy(want, content, MEDIUM);
		pid = fork();
		if (!pid)
			copy_stubbornly(file, buffer);
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

/*
 * A new buffer with such a copy, and with a short one behind it that does not
 * hang: the buffer, and @pid, who makes the first.
 */
static int buffer_with_hung_copy(struct slow_file *slow, size_t at_once, pid_t *pid)
{
	int buffer, file;

	prepare("system");
	file = make_source(O_DIRECT);
	buffer = fresh_buffer("system", SMALL);
	*pid = start_copy_that_hangs(slow, buffer, at_once);
	/* the page cache has the data before the buffer */
	if (at_once)
		usleep(200000);
	copy_in(file, buffer, 1 * MIB + 100, 10000);
	return buffer;
}

/* Others proceed if they can, and get an error in time if they can't. */
static void hung(void)
{
	struct importer vgem = open_importer("vgem");
	struct slow_file slow;
	double start;
	pid_t pid;
	int buffer = buffer_with_hung_copy(&slow, 0, &pid);

	write_at(buffer, content + 2 * MIB, 10000, 2 * MIB);
	memcpy(want + 2 * MIB, content + 2 * MIB, 10000);
	read_at(buffer, have, 1 * MIB + PAGE, 1 * MIB);
	CHECK_EQ(first_difference(have, want + 1 * MIB, 1 * MIB + PAGE), -1);

	start = now();
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, buffer, 0) == MAP_FAILED);
	CHECK_EQ(errno, EBUSY);
	CHECK_EQ(hold(&vgem, buffer), -EBUSY);
	note("two were turned away after %.2f s", now() - start);
	CHECK(now() - start < 5);

	slow_answer(&slow);
	await(pid);
	CHECK_EQ(hold(&vgem, buffer), 0);
	let_go(&vgem);
	expect_all(&views[0], buffer, SMALL);
}

/* The missing part of an ended copy is zeroed, and no byte behind it. */
static void killed_in_front(void)
{
	struct slow_file slow;
	pid_t pid;
	int buffer = buffer_with_hung_copy(&slow, 0, &pid);

	kill(pid, SIGKILL);
	slow_answer(&slow);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	expect_nothing_else(buffer, SMALL);
	CHECK_EQ(first_difference(have + 1 * MIB, want + 1 * MIB, SMALL - 1 * MIB), -1);
}

/* The range in front of a copy is zeroed for it, but not a range in progress. */
static void arrived_in_front(void)
{
	struct slow_file slow;
	pid_t pid;
	int buffer = buffer_with_hung_copy(&slow, 512 * KIB, &pid);

	slow_answer(&slow);
	await(pid);
	expect_all(next_view(), buffer, SMALL);
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
	else
		copy_once(file, 0, buffer, 1000, 10);
	_exit(0);
}

/* A task that waits for bytes can be killed. */
static void killed_waiters(void)
{
	struct slow_file slow;
	pid_t copier, waiters[3];
	int buffer, file, start[2];
	double then;
	size_t i;

	prepare("system");
	file = make_source(0);
	buffer = fresh_buffer("system", SMALL);
	CHECK_EQ(pipe(start), 0);
	/* before the hung file is open, which they would wait for at their end */
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		waiters[i] = start_waiter(file, buffer, i, start[0]);
	copier = start_copy_that_hangs(&slow, buffer, 0);
	CHECK_EQ(write(start[1], "123", 3), 3);
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

/* A write has to wait for the bytes it writes, and that alone. */
static void waiting_writer(void)
{
	struct importer vgem = open_importer("vgem");
	struct slow_file slow;
	char *map;
	int buffer;
	pid_t pid;

	prepare("system");
	buffer = fresh_buffer("system", SMALL);
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

CASE({"cached copies in parallel all arrive in a new buffer", parallel_cached, 120},
     {"direct copies in parallel all arrive in a new buffer", parallel_direct, 120},
     {"a look at a new buffer does not undo a copy", looked_at_meanwhile, 120},
     {"a new buffer and a hung file delay no task for long", hung},
     {"a copy that is killed takes nothing of one behind it along", killed_in_front},
     {"the part of a copy that arrived stays, though one behind it begins", arrived_in_front},
     {"a task that waits for a hung file's bytes can be killed", killed_waiters},
     {"a writer that waits for its bytes delays no task", waiting_writer}, )
