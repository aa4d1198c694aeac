/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A heap for tests: dma-bufs are memfds, and it fails on request. It also checks CPU
 * access: its buffer can be read only in a cpu_access, and written only in one for
 * writing; any other access is a segmentation fault.
 */
#ifndef TESTS_FAKE_HEAP_H
#define TESTS_FAKE_HEAP_H

#include "buffer/lock.h"
#include "util/math.h"
#include "util/scope.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* The kinds of memory. */
enum heap_memory { HEAP_TMPFS, HEAP_MEMFD, HEAP_DMABUF };

struct fake_heap {
	struct heap heap;
	struct heap_ops ops;
	enum heap_memory memory;
	struct quota quota;

	/* Fault points; 0: none. */
	int fail_alloc; /* the nth allocation from now fails */
	int alloc_error;
	size_t largest; /* no allocation beyond this many bytes */
	bool held;	/* by others: every dma-buf, but those they have moved the position of */
	bool takes_io;	/* as on a kernel that reads and writes dma-bufs, which memfds can */
	int idle_error, start_error, end_error, export_error, may_export_error;

	/* Counters. */
	_Atomic int allocs, exports, waits, starts, ends;
	_Atomic int start_amid_others; /* has to stay 0 */

	pthread_mutex_t lock;
	struct buffer *watched;
	int inside, writers_inside;
};

static inline struct fake_heap *fake(struct heap *heap)
{
	return (struct fake_heap *)heap;
}

static inline int fake_memory(size_t size)
{
	int fd = memfd_create("fake", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static inline int fake_alloc(struct heap *heap, size_t size)
{
	struct fake_heap *f = fake(heap);

	f->allocs++;
	if (f->fail_alloc && --f->fail_alloc == 0)
		return f->alloc_error;
	if (f->largest && size > f->largest)
		return -ENOMEM;
	return fake_memory(size);
}

/* A foreign dma-buf, with a byte in it. */
static inline int foreign_memory(size_t size)
{
	int fd = fake_memory(size);

	ck_assert_int_eq(pwrite(fd, "f", 1, 0), 1);
	return fd;
}

/* @fd goes to the buffer, or is closed; duplicates stay. */
static inline int import(struct buffer *buffer, int fd)
{
	return buffer_import(buffer, fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

static inline int fake_new_file(struct heap *heap)
{
	return fake_alloc(heap, 0);
}

static inline int fake_may_export(struct heap *heap, size_t size)
{
	(void)size;
	return fake(heap)->may_export_error;
}

static inline int fake_export(struct heap *heap, int fd, size_t size)
{
	struct stat st;

	fake(heap)->exports++;
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq((size_t)st.st_size, size);
	ck_assert_int_eq(size % (size_t)sysconf(_SC_PAGESIZE), 0);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	if (fake(heap)->export_error)
		return fake(heap)->export_error;
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static inline int fake_wait_idle(struct heap *heap, int fd, bool write)
{
	(void)fd;
	(void)write;
	fake(heap)->waits++;
	return fake(heap)->idle_error;
}

static inline bool fake_is_held(struct heap *heap, int fd)
{
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	return fake(heap)->held && lseek(fd, 0, SEEK_CUR) == 0;
}

static inline bool fake_takes_io(struct heap *heap, int fd)
{
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	return fake(heap)->takes_io;
}

/* The watched buffer's own memory, not the one it is about to move to. */
static inline bool fake_watches(struct fake_heap *f, int fd)
{
	return f->watched && f->watched->dmabuf.fd == fd;
}

static inline void fake_protect(struct fake_heap *f, int protection)
{
	char *map = atomic_load(&f->watched->dmabuf.map);

	ck_assert_int_eq(mprotect(map, f->watched->dmabuf.capacity, protection), 0);
}

static inline void fake_enter(struct fake_heap *f, bool write)
{
	if (f->writers_inside || (write && f->inside))
		f->start_amid_others++;
	if (f->inside++ == 0)
		fake_protect(f, write ? PROT_READ | PROT_WRITE : PROT_READ);
	f->writers_inside += write;
}

static inline void fake_leave(struct fake_heap *f, bool write)
{
	f->writers_inside -= write;
	if (--f->inside == 0)
		fake_protect(f, PROT_NONE);
}

static inline int fake_sync(struct heap *heap, int fd, uint64_t flags)
{
	struct fake_heap *f = fake(heap);
	bool write = (flags & DMA_BUF_SYNC_RW) == DMA_BUF_SYNC_RW;
	bool end = flags & DMA_BUF_SYNC_END;
	guard(mutex)(&f->lock);

	if (!end && f->start_error)
		return f->start_error;
	*(end ? &f->ends : &f->starts) += 1;
	if (fake_watches(f, fd))
		(end ? fake_leave : fake_enter)(f, write);
	return end ? f->end_error : 0;
}

static inline void fake_heap_init(struct fake_heap *f, enum heap_memory memory)
{
	memset(f, 0, sizeof(*f));
	f->ops = (struct heap_ops){
		.in_tmpfs = memory == HEAP_TMPFS,
		.fixed_size = memory == HEAP_DMABUF,
		.has_dmabufs = memory != HEAP_TMPFS,
		.alloc = fake_alloc,
		.new_file = fake_new_file,
		.may_export = fake_may_export,
		.export = fake_export,
		.wait_idle = fake_wait_idle,
		.sync = fake_sync,
		.is_held = fake_is_held,
		.takes_io = fake_takes_io,
	};
	f->memory = memory;
	f->heap.ops = &f->ops;
	f->quota.limit = UINT64_MAX;
	f->alloc_error = -ENOMEM;
	pthread_mutex_init(&f->lock, NULL);
}

static inline struct buffer *fake_buffer(struct fake_heap *f)
{
	int file = f->memory == HEAP_TMPFS ? fake_memory(0) : -1;
	struct buffer *buffer;

	ck_assert_int_eq(buffer_create(&buffer, &f->heap, &f->quota, file), 0);
	return buffer;
}

static inline uint64_t used_quota(struct fake_heap *f)
{
	return atomic_load(&f->quota.used);
}

static inline off_t size_of(struct buffer *buffer)
{
	struct stat st = {0};

	buffer_stat(buffer, &st);
	return buffer->ops == &memory_tmpfs ? buffer->ops->size(buffer) : st.st_size;
}

/* The bytes between size and capacity, seen from below. */
static inline void assert_gap_is_zero(struct buffer *buffer)
{
	uint64_t size = (uint64_t)size_of(buffer), capacity = buffer->dmabuf.capacity;
	static const char zeros[65536];
	char piece[sizeof(zeros)];

	ck_assert_uint_le(size, capacity);
	for (uint64_t at = size; at < capacity;) {
		ssize_t n = pread(buffer->dmabuf.file, piece, sizeof(piece), (off_t)at);

		ck_assert_int_gt(n, 0);
		ck_assert_msg(!memcmp(piece, zeros, (size_t)n), "dirt at %ju of %ju (size %ju)",
			      (uintmax_t)at, (uintmax_t)capacity, (uintmax_t)size);
		at += (uint64_t)n;
	}
}

/* [begin, end) is full of @byte. */
static inline void assert_filled(struct buffer *buffer, char byte, off_t begin, off_t end)
{
	char piece[4096];

	while (begin < end) {
		size_t size = end - begin < 4096 ? (size_t)(end - begin) : sizeof(piece);

		ck_assert_int_eq(buffer_read(buffer, piece, size, begin), (ssize_t)size);
		for (size_t i = 0; i < size; i++)
			if (piece[i] != byte)
				ck_abort_msg("%d instead of %d at %jd", piece[i], byte,
					     (intmax_t)begin + (intmax_t)i);
		begin += (off_t)size;
	}
}

static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Maps of memory files. */
static inline int count_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	while (fgets(line, sizeof(line), maps))
		n += strstr(line, "memfd:") != NULL;
	fclose(maps);
	return n;
}

/* The end of a program of tests. */
static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

/* The result of buffer_visit(). */
static inline int note_visit(void *context, const struct buffer_memory *memory)
{
	*(struct buffer_memory *)context = *memory;
	return 0;
}

static inline struct buffer_memory visited(struct buffer *buffer)
{
	struct buffer_memory seen;

	ck_assert_int_eq(buffer_visit(buffer, note_visit, &seen), 0);
	return seen;
}

#endif
