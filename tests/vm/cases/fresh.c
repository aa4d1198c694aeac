// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory is not zeroed when a buffer is made, but when it is to be seen, and
 * then only what nothing has been copied to. Nobody may see what its last owner
 * left there, and nobody may lose what was copied. To have something to be
 * seen, the memory is filled with dirt before.
 */
#define _GNU_SOURCE
#include "disk.h"
#include "memory.h"
#include "screen.h"
#include "server.h"
#include "slow.h"
#include "vm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096ul
#define MAX	(36 * MIB)
#define MEDIUM	(12 * MIB)
#define SMALL	(3 * MIB + 3 * PAGE)

/* some are read directly */
static char content[MAX] __attribute__((aligned(4096)));
static char want[MAX], have[MAX] __attribute__((aligned(4096)));

/* Give a buffer back full of dirt, for the next one to be made of. */
static void discard(int buffer, size_t size)
{
	memset(have, 0xd1, size);
	write_at(buffer, have, size, 0);
	close(buffer);
}

static void make_dirty(const char *kind)
{
	const size_t size = strcmp(kind, "cma") ? 36 * MIB : 16 * MIB;
	int buffers[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(buffers); i++)
		buffers[i] = make_buffer(kind, size);
	for (i = 0; i < ARRAY_SIZE(buffers); i++)
		discard(buffers[i], size);
}

static void prepare(const char *kind)
{
	need_patched();
	pattern(content, MAX, 171);
	make_dirty(kind);
}

static int make_source(int flags)
{
	return make_file("ext4", "fresh", content, MAX, O_RDONLY | flags);
}

static int fresh_buffer(const char *kind, size_t size)
{
	memset(want, 0, size);
	return make_buffer(kind, size);
}

static void copy_in(int file, int buffer, off_t pos, size_t len)
{
	CHECK_EQ(copy_all(file, pos, buffer, pos, len), len);
	memcpy(want + pos, content + pos, len);
}

/* The ways to look at a buffer: each sets have to what is there. */

static void by_map(int buffer, size_t size)
{
	peek(buffer, have, size, 0);
}

static void by_read(int buffer, size_t size)
{
	size_t done, len;

	for (done = 0; done < size; done += len) {
		len = size - done < 70001 ? size - done : 70001;
		read_at(buffer, have + done, len, done);
	}
}

static void by_read_from_the_end(int buffer, size_t size)
{
	size_t len;

	for (; size; size -= len) {
		len = size < 300007 ? size : 300007;
		read_at(buffer, have + size - len, len, size - len);
	}
}

static void by_copy(int buffer, size_t size, int flags)
{
	int file = make_file("ext4", "seen", "", 0, O_RDWR | flags);

	CHECK_EQ(copy_all(buffer, 0, file, 0, size), size);
	close(file);
	file = open_file("ext4", "seen", O_RDONLY);
	read_at(file, have, size, 0);
	close(file);
}

static void by_cached_copy(int buffer, size_t size)
{
	by_copy(buffer, size, 0);
}

static void by_direct_copy(int buffer, size_t size)
{
	by_copy(buffer, size, O_DIRECT);
}

static void by_sendfile(int buffer, size_t size)
{
	int file = make_file("tmpfs", "seen", "", 0, O_RDWR);
	off_t pos = 0;

	while (pos < (off_t)size)
		CHECK(sendfile(file, buffer, &pos, size - pos) > 0);
	read_at(file, have, size, 0);
	close(file);
}

/* A device's mapping is made when it attaches, which changes nothing. */
static void by_device(int buffer, size_t size)
{
	struct importer vgem = open_importer("vgem");

	CHECK_EQ(hold(&vgem, buffer), 0);
	read_at(buffer, have, size, 0);
	let_go(&vgem);
	close(vgem.card);
}

static const struct view {
	const char *name;
	void (*look)(int buffer, size_t size);
} views[] = {
	{ "mmap", by_map },
	{ "read", by_read },
	{ "read from the end", by_read_from_the_end },
	{ "copy to a file", by_cached_copy },
	{ "direct copy to a file", by_direct_copy },
	{ "sendfile", by_sendfile },
	{ "a device", by_device },
};

/* By one view after the other: how a buffer was filled can't matter to them. */
static const struct view *next_view(void)
{
	static size_t next;

	return &views[next++ % ARRAY_SIZE(views)];
}

static void expect_all(const struct view *view, int buffer, size_t size)
{
	ssize_t at;

	memset(have, 0xee, size);
	view->look(buffer, size);
	at = first_difference(have, want, size);
	if (at >= 0)
		fail(__FILE__, __LINE__,
		     "%s: byte %zd of %zu is %02x, not %02x", view->name, at,
		     size, (unsigned char)have[at], (unsigned char)want[at]);
	/* and it stays so */
	expect(buffer, want, size, 0);
}

static const size_t sizes[] = {
	PAGE, 5 * PAGE, 64 * KIB, 1 * MIB + PAGE, SMALL,
};

static void untouched(const char *kind)
{
	size_t i, j;
	int buffer;

	prepare(kind);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < ARRAY_SIZE(views); j++) {
			buffer = fresh_buffer(kind, sizes[i]);
			expect_all(&views[j], buffer, sizes[i]);
			discard(buffer, sizes[i]);
		}
	}
}

static void untouched_system(void) { untouched("system"); }
static void untouched_cma(void) { untouched("cma"); }

/* Copied to from the beginning on, and no further than to len. */
static void begun_with(const char *kind, int flags)
{
	int file, buffer;
	size_t i, j, k;

	prepare(kind);
	file = make_source(flags);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		const size_t size = sizes[i], lens[] = {
			1, 511, PAGE, size / 2 + 77, size - 513, size,
		};

		for (j = 0; j < ARRAY_SIZE(lens); j++) {
			for (k = 0; k < 3; k++) {
				buffer = fresh_buffer(kind, size);
				copy_in(file, buffer, 0, lens[j]);
				expect_all(next_view(), buffer, size);
				discard(buffer, size);
			}
		}
	}
}

static void begun_with_cached(void) { begun_with("system", 0); }
static void begun_with_direct(void) { begun_with("system", O_DIRECT); }
static void begun_with_cma(void) { begun_with("cma", O_DIRECT); }

static size_t page_aligned(uint64_t *state, size_t below)
{
	return rnd_below(state, below / PAGE) * PAGE;
}

/* One thing that can happen to a buffer, and to want. */
static void happen(uint64_t *state, const int *files, int buffer, size_t size)
{
	size_t pos = rnd_below(state, size), len;

	if (rnd_below(state, 2))
		pos = page_aligned(state, size);
	len = 1 + rnd_below(state, rnd_below(state, 4) ? size - pos :
			    size - pos < 3 * PAGE ? size - pos : 3 * PAGE);
	context("%zu bytes at %zu of %zu", len, pos, size);
	switch (rnd_below(state, 6)) {
	case 0:
		write_at(buffer, content + pos, len, pos);
		memcpy(want + pos, content + pos, len);
		break;
	case 1:
		read_at(buffer, have, len, pos);
		CHECK_EQ(first_difference(have, want + pos, len), -1);
		break;
	default:
		copy_in(files[rnd_below(state, 2)], buffer, pos, len);
	}
}

static void at_random(const char *kind)
{
	uint64_t state = 172;
	int files[2], buffer, i, rounds = 0;
	double end;
	size_t size;

	prepare(kind);
	files[0] = make_source(0);
	files[1] = make_source(O_DIRECT);
	for (end = now() + 10; now() < end; rounds++) {
		size = PAGE + page_aligned(&state, SMALL);
		buffer = fresh_buffer(kind, size);
		for (i = rnd_below(&state, 7); i; i--)
			happen(&state, files, buffer, size);
		expect_all(next_view(), buffer, size);
		discard(buffer, size);
	}
	note("%d buffers", rounds);
}

static void at_random_system(void) { at_random("system"); }
static void at_random_cma(void) { at_random("cma"); }

/* Larger than a piece, and than what is zeroed at once. */
static void large(void)
{
	const off_t starts[] = { 0, 5, 1 * MIB, 20 * MIB + 4097 };
	int file, buffer;
	size_t i;

	prepare("system");
	file = make_source(O_DIRECT);
	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		buffer = fresh_buffer("system", MAX);
		copy_in(file, buffer, starts[i], MAX - starts[i] - 12345);
		expect_all(next_view(), buffer, MAX);
		discard(buffer, MAX);
	}
}

/* However far a copy got: what of the buffer is not zero is content. */
static void expect_nothing_else(int buffer, size_t size)
{
	const struct view *view = next_view();
	size_t i;

	view->look(buffer, size);
	for (i = 0; i < size; i++) {
		if (have[i] && have[i] != content[i])
			fail(__FILE__, __LINE__,
			     "%s: byte %zu of %zu is %02x, not %02x",
			     view->name, i, size, (unsigned char)have[i],
			     (unsigned char)content[i]);
	}
}

static void bad_disk(int flags)
{
	struct disk disk;
	int buffer, file, i, error;
	size_t done;

	prepare("system");
	disk = disk_create("ext4", 64 * MIB);
	file = disk_file(&disk, "file", content, SMALL, O_RDONLY | flags);
	disk_break(&disk, file, 1 * MIB);
	for (i = 0; i < 14; i++) {
		buffer = fresh_buffer("system", SMALL);
		/* in pieces of all sizes, so that it fails after the first or later */
		for (done = 0, error = 0; !error && done < SMALL;)
			done += copy_some(file, done, buffer, done,
					  (64 * KIB << i % 7) - i, &error);
		CHECK_EQ(error, EIO);
		CHECK(done <= 1 * MIB);
		memcpy(want, content, done);
		expect_all(next_view(), buffer, SMALL);
		discard(buffer, SMALL);
	}
	close(file);
	disk_destroy(&disk);
}

static void bad_disk_cached(void) { bad_disk(0); }
static void bad_disk_direct(void) { bad_disk(O_DIRECT); }

/* Truncate the file to every size, again and again. */
static void truncater(int file)
{
	uint64_t state = 173;

	for (;;) {
		if (ftruncate(file, rnd_below(&state, SMALL)))
			_exit(1);
		write_at(file, content, SMALL, 0);
	}
}

static void shrinking(int flags)
{
	int buffer, file, writer;
	double end;
	pid_t pid;

	prepare("system");
	file = make_file("ext4", "shrinking", content, SMALL,
			 O_RDONLY | flags);
	writer = open_file("ext4", "shrinking", O_RDWR);
	pid = fork();
	if (!pid)
		truncater(writer);
	for (end = now() + 4; now() < end;) {
		buffer = fresh_buffer("system", SMALL);
		CHECK(copy_all(file, 0, buffer, 0, SMALL) >= 0);
		expect_nothing_else(buffer, SMALL);
		discard(buffer, SMALL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void shrinking_cached(void) { shrinking(0); }
static void shrinking_direct(void) { shrinking(O_DIRECT); }

static void killed(int flags)
{
	uint64_t state = 174;
	int file, buffer, i;
	pid_t pid;

	prepare("system");
	file = make_source(flags);
	for (i = 0; i < 14; i++) {
		forget_cache(file);
		buffer = fresh_buffer("system", MEDIUM);
		pid = fork();
		if (!pid)
			for (;;)
				copy_all(file, 0, buffer, 0, MEDIUM);
		usleep(rnd_below(&state, 10000));
		kill(pid, SIGKILL);
		/* with and without him having gone before */
		if (i % 2)
			expect_nothing_else(buffer, MEDIUM);
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
		expect_nothing_else(buffer, MEDIUM);
		discard(buffer, MEDIUM);
	}
}

static void killed_cached(void) { killed(0); }
static void killed_direct(void) { killed(O_DIRECT); }

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
		if (copy_all(file, at * piece, buffer, at * piece, piece) !=
		    (ssize_t)piece)
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
				memcpy(want + i * piece, content + i * piece,
				       piece);
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

static void parallel_cached(void) { parallel(0); }
static void parallel_direct(void) { parallel(O_DIRECT); }

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

/* Looking at a buffer that is being filled costs nobody a byte. */
static void looked_at_meanwhile(void)
{
	static void (*const glances[])(int) = {
		glance_map, glance_read, glance_attach,
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

/* Start a copy of the first MiB from a file that does not answer yet. */
static pid_t start_hung_copy(struct slow_file *slow, int buffer)
{
	pid_t pid;

	*slow = slow_create(content, 1 * MIB);
	pid = fork();
	if (!pid)
		_exit(copy_all(slow->fd, 0, buffer, 0, 1 * MIB) !=
		      (ssize_t)(1 * MIB));
	slow_await_reader(slow);
	memcpy(want, content, 1 * MIB);
	return pid;
}

/* Others go their way where they can, and are told in time where they can't. */
static void hung(void)
{
	struct importer vgem = open_importer("vgem");
	struct slow_file slow;
	int buffer, file;
	double start;
	pid_t pid;

	prepare("system");
	file = make_source(O_DIRECT);
	buffer = fresh_buffer("system", SMALL);
	pid = start_hung_copy(&slow, buffer);

	copy_in(file, buffer, 1 * MIB + 100, 10000);
	write_at(buffer, content + 2 * MIB, 10000, 2 * MIB);
	memcpy(want + 2 * MIB, content + 2 * MIB, 10000);
	read_at(buffer, have, 1 * MIB + PAGE, 1 * MIB);
	CHECK_EQ(first_difference(have, want + 1 * MIB, 1 * MIB + PAGE), -1);

	start = now();
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, buffer, 0) ==
	      MAP_FAILED);
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

/* What a copy has not got when it ends is zeroed, and nothing behind that. */
static void killed_in_front(void)
{
	struct slow_file slow;
	int buffer, file;
	pid_t pid;

	prepare("system");
	file = make_source(O_DIRECT);
	buffer = fresh_buffer("system", SMALL);
	pid = start_hung_copy(&slow, buffer);
	copy_in(file, buffer, 1 * MIB + 100, 10000);
	kill(pid, SIGKILL);
	slow_answer(&slow);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	expect_nothing_else(buffer, SMALL);
	CHECK_EQ(first_difference(have + 1 * MIB, want + 1 * MIB,
				  SMALL - 1 * MIB), -1);
}

/* One of those who will want the first bytes, when they are told to. */
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

/* Who waits for bytes that do not come can be killed. */
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
	copier = start_hung_copy(&slow, buffer);
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

/* Written from memory that ends too early. */
static void broken_writer(void)
{
	char *map;
	int buffer;

	prepare("system");
	map = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(map != MAP_FAILED);
	memcpy(map, content, 8 * PAGE);
	CHECK_EQ(munmap(map + 4 * PAGE, 4 * PAGE), 0);
	buffer = fresh_buffer("system", SMALL);
	CHECK_EQ(pwrite(buffer, map, 8 * PAGE, 0), 4 * PAGE);
	CHECK_ERRNO(pwrite(buffer, map + 4 * PAGE, PAGE, 10 * PAGE), EFAULT);
	memcpy(want, content, 4 * PAGE);
	expect_all(next_view(), buffer, SMALL);
}

/* The kernel maps what a screen shows. */
static void shown(void)
{
	struct screen screen;
	int buffer, file;

	prepare("system");
	file = make_source(O_DIRECT);
	buffer = fresh_buffer("system", SCREEN_BYTES);
	copy_in(file, buffer, 0, SCREEN_BYTES / 2 + 99);
	screen = screen_show(buffer);
	by_read(buffer, SCREEN_BYTES);
	CHECK_EQ(first_difference(have, want, SCREEN_BYTES), -1);
	screen_hide(&screen);
	expect_all(&views[0], buffer, SCREEN_BYTES);
}

/*
 * Memory behind a file. A map shows all of it: the file's bytes, and zeros
 * behind its end.
 */
static void behind_a_file(int flags)
{
	const struct server_options options = {
		.passthrough = true, .open = OPEN_PASSTHROUGH,
	};
	const struct { off_t pos; size_t len; } ranges[] = {
		{ 0, 100001 }, { 0, SMALL }, { 5000, 1 * MIB }, { PAGE, 1 },
	};
	struct server server;
	int source, file;
	size_t i;
	char *map;

	prepare("system");
	source = make_source(flags);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		memset(want, 0, SMALL);
		server = server_create(&options);
		/* there is no memory before the inode is known */
		file = server_open(&server, O_RDWR);
		CHECK_EQ(server_bind(&server, SMALL), 0);
		copy_in(source, file, ranges[i].pos, ranges[i].len);
		read_at(file, have, ranges[i].pos + ranges[i].len, 0);
		CHECK_EQ(first_difference(have, want, ranges[i].pos +
					  ranges[i].len), -1);
		close(file);
		file = server_open(&server, O_RDWR);
		map = mmap(NULL, SMALL, PROT_READ, MAP_SHARED, file, 0);
		CHECK(map != MAP_FAILED);
		CHECK_EQ(first_difference(map, want, SMALL), -1);
		munmap(map, SMALL);
		discard(file, SMALL);
		server_destroy(&server);
	}
}

static void behind_a_file_cached(void) { behind_a_file(0); }
static void behind_a_file_direct(void) { behind_a_file(O_DIRECT); }

CASE(
	{ "a new system buffer is zeros, however it is looked at",
	  untouched_system },
	{ "a new contiguous buffer is zeros, however it is looked at",
	  untouched_cma },
	{ "behind a cached copy into a new buffer are zeros",
	  begun_with_cached },
	{ "behind a direct copy into a new buffer are zeros",
	  begun_with_direct },
	{ "behind a copy into a new contiguous buffer are zeros",
	  begun_with_cma },
	{ "new buffers show what was put there at random, and zeros",
	  at_random_system },
	{ "new contiguous buffers show what was put there at random, and zeros",
	  at_random_cma },
	{ "large new buffers show what was copied, and zeros", large },
	{ "a cached copy that fails leaves zeros", bad_disk_cached },
	{ "a direct copy that fails leaves zeros", bad_disk_direct },
	{ "a cached copy of a shrinking file leaves zeros", shrinking_cached },
	{ "a direct copy of a shrinking file leaves zeros", shrinking_direct },
	{ "a cached copy that is killed leaves zeros", killed_cached, 120 },
	{ "a direct copy that is killed leaves zeros", killed_direct, 120 },
	{ "cached copies in parallel all arrive in a new buffer",
	  parallel_cached, 120 },
	{ "direct copies in parallel all arrive in a new buffer",
	  parallel_direct, 120 },
	{ "who looks at a new buffer does not undo a copy",
	  looked_at_meanwhile, 120 },
	{ "a new buffer and a hung file keep nobody for long", hung },
	{ "a copy that is killed takes nothing of one behind it along",
	  killed_in_front },
	{ "who waits for a hung file's bytes can be killed", killed_waiters },
	{ "a writer that waits for its bytes keeps nobody", waiting_writer },
	{ "a write that fails half way leaves zeros", broken_writer },
	{ "a new buffer on a screen shows what was copied, and zeros", shown },
	{ "new memory behind a file shows what was copied, and zeros",
	  behind_a_file_cached },
	{ "new memory behind a file shows what was copied directly, and zeros",
	  behind_a_file_direct },
)
