// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory.h"

#include "bench.h"
#include "pattern.h"
#include "util/scope.h"

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* A process in User Mode Linux can map no more than some 250 MiB. */
#define MAPPED (64ull << 20)
#define CHUNK  (1ull << 20)

const char *memory_name(enum memory_kind kind)
{
	static const char *const names[] = {
		[DMABUF] = "a dma-buf",
		[UDMABUF] = "a udmabuf",
		[MEMFD] = "a memfd",
		[UMFD] = "a memfd",
	};

	return names[kind];
}

static bool is_dmabuf(const struct memory *memory)
{
	return memory->kind == DMABUF || memory->kind == UDMABUF;
}

static int make_dmabufs(struct bench *bench, struct memory *memory)
{
	char path[300];
	snprintf(path, sizeof(path), "/dev/dma_heap/%s", bench->settings.heap);
	scope(fd) int heap = open(path, O_RDWR | O_CLOEXEC);

	if (heap < 0)
		return unable(bench, "%s: %s", path, strerror(errno));
	for (unsigned i = 0; i < memory->count; i++) {
		struct dma_heap_allocation_data data = {
			.len = memory->room,
			.fd_flags = O_RDWR | O_CLOEXEC,
		};

		if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data))
			return -errno;
		memory->fds[i] = data.fd;
	}
	return 0;
}

static int make_memfd(const struct memory *memory)
{
	scope(fd) int fd = memfd_create("dmaheap-bench", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, memory->room))
		return -errno;
	return steal_fd(&fd);
}

static int make_memfds(struct bench *bench, struct memory *memory)
{
	(void)bench;
	for (unsigned i = 0; i < memory->count; i++) {
		const int fd = make_memfd(memory);

		if (fd < 0)
			return fd;
		memory->fds[i] = fd;
	}
	return 0;
}

static int make_udmabuf(struct bench *bench, int device, int memfd, uint64_t size)
{
	struct udmabuf_create create = {
		.memfd = memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};

	if (fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return -errno;
	const int fd = ioctl(device, UDMABUF_CREATE, &create);

	if (fd < 0 && errno == EINVAL)
		return unable(bench,
			      "no udmabuf of %llu MiB: "
			      "/sys/module/udmabuf/parameters/size_limit_mb is the limit",
			      (unsigned long long)size >> 20);
	return fd < 0 ? -errno : fd;
}

/* A udmabuf keeps the pages alive by itself. */
static int make_udmabufs(struct bench *bench, struct memory *memory)
{
	scope(fd) int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	if (device < 0)
		return unable(bench, "/dev/udmabuf: %s", strerror(errno));
	for (unsigned i = 0; i < memory->count; i++) {
		scope(fd) int memfd = make_memfd(memory);
		const int fd = memfd < 0 ? memfd : make_udmabuf(bench, device, memfd, memory->room);

		if (fd < 0)
			return fd;
		memory->fds[i] = fd;
	}
	return 0;
}

static int make_both(struct bench *bench, struct memory *memory)
{
	scope(fd) int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	if (device < 0)
		return unable(bench, "/dev/udmabuf: %s", strerror(errno));
	for (unsigned i = 0; i < memory->count; i++) {
		memory->fds[i] = make_memfd(memory);
		if (memory->fds[i] < 0)
			return memory->fds[i];
		if (fallocate(memory->fds[i], 0, 0, memory->room))
			return -errno;
		memory->behind[i] = make_udmabuf(bench, device, memory->fds[i], memory->room);
		if (memory->behind[i] < 0)
			return memory->behind[i];
	}
	return 0;
}

static int *no_fds(unsigned count)
{
	int *fds = malloc(count * sizeof(*fds));

	if (fds)
		memset(fds, -1, count * sizeof(*fds));
	return fds;
}

int memory_make(struct bench *bench, enum memory_kind kind, unsigned count, uint64_t size,
		struct memory *memory)
{
	static int (*const make[])(struct bench * bench, struct memory * memory) = {
		[DMABUF] = make_dmabufs,
		[UDMABUF] = make_udmabufs,
		[MEMFD] = make_memfds,
		[UMFD] = make_both,
	};
	const uint64_t page = sysconf(_SC_PAGESIZE);

	*memory = (struct memory){
		.kind = kind,
		.count = count,
		.size = size,
		.room = (size + page - 1) / page * page,
		.fds = no_fds(count),
		.behind = no_fds(count),
	};
	if (!memory->fds || !memory->behind)
		return -ENOMEM;
	return make[kind](bench, memory);
}

void memory_drop(struct memory *memory)
{
	for (unsigned i = 0; i < memory->count && memory->fds && memory->behind; i++) {
		close_fd(memory->behind[i]);
		close_fd(memory->fds[i]);
	}
	free(memory->fds);
	free(memory->behind);
	*memory = (struct memory){};
}

static int cpu_access(const struct memory *memory, unsigned number, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags};

	if (!is_dmabuf(memory))
		return 0;
	return ioctl(memory->fds[number], DMA_BUF_IOCTL_SYNC, &sync) ? -errno : 0;
}

static int visit_piece(const struct memory *memory, unsigned number, uint64_t position,
		       int (*visit)(const struct piece *piece, void *arg), void *arg)
{
	const uint64_t room = memory->room - position < MAPPED ? memory->room - position : MAPPED;
	const uint64_t left = memory->size - position;
	char *map =
		mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fds[number], position);

	if (map == MAP_FAILED)
		return -errno;
	const struct piece piece = {map, position, left < room ? left : room};
	const int error = visit(&piece, arg);

	munmap(map, room);
	return error;
}

int memory_visit(const struct memory *memory, unsigned number, bool write,
		 int (*visit)(const struct piece *piece, void *arg), void *arg)
{
	const uint64_t access = write ? DMA_BUF_SYNC_WRITE : DMA_BUF_SYNC_READ;
	int error = cpu_access(memory, number, DMA_BUF_SYNC_START | access);

	for (uint64_t at = 0; at < memory->size && !error; at += MAPPED)
		error = visit_piece(memory, number, at, visit, arg);
	return error ?: cpu_access(memory, number, DMA_BUF_SYNC_END | access);
}

struct pattern {
	uint64_t owner;
	uint64_t wrong; /* position, or PATTERN_SAME */
};

/*
 * In User Mode Linux the first access of a program to each page of a mapping takes a
 * tenth of a millisecond and more, and one by the kernel does not. So bytes come and go
 * by way of a file.
 */
static bool put(int file, const void *bytes, size_t size)
{
	return pwrite(file, bytes, size, 0) == (ssize_t)size;
}

static bool get(int file, void *bytes, size_t size)
{
	return pread(file, bytes, size, 0) == (ssize_t)size;
}

static int fill_chunk(int file, char *chunk, const struct piece *part, struct pattern *pattern)
{
	pattern_fill(chunk, pattern->owner, part->position, part->size);
	return put(file, chunk, part->size) && get(file, part->data, part->size) ? 0 : -EIO;
}

static int check_chunk(int file, char *chunk, const struct piece *part, struct pattern *pattern)
{
	if (!put(file, part->data, part->size) || !get(file, chunk, part->size))
		return -EIO;
	pattern->wrong = pattern_check(chunk, pattern->owner, part->position, part->size);
	return pattern->wrong == PATTERN_SAME ? 0 : -EBADMSG;
}

static int by_chunks(const struct piece *piece, struct pattern *pattern,
		     int (*each)(int file, char *chunk, const struct piece *part,
				 struct pattern *pattern))
{
	scope(fd) int file = memfd_create("dmaheap-bench", MFD_CLOEXEC);
	scope(free) char *chunk = malloc(CHUNK);
	int error = file < 0 || !chunk ? -ENOMEM : 0;

	for (uint64_t at = 0; at < piece->size && !error; at += CHUNK) {
		const uint64_t left = piece->size - at;
		const struct piece part = {
			.data = piece->data + at,
			.position = piece->position + at,
			.size = left < CHUNK ? left : CHUNK,
		};

		error = each(file, chunk, &part, pattern);
	}
	return error;
}

static int fill_piece(const struct piece *piece, void *arg)
{
	return by_chunks(piece, arg, fill_chunk);
}

int memory_fill(const struct memory *memory, uint64_t owner)
{
	int error = 0;

	for (unsigned i = 0; i < memory->count && !error; i++) {
		struct pattern pattern = {.owner = owner + i};

		error = memory_visit(memory, i, true, fill_piece, &pattern);
	}
	return error;
}

static int check_piece(const struct piece *piece, void *arg)
{
	return by_chunks(piece, arg, check_chunk);
}

int memory_check(struct bench *bench, const struct memory *memory, uint64_t owner)
{
	int error = 0;

	for (unsigned i = 0; i < memory->count && !error; i++) {
		struct pattern pattern = {.owner = owner + i};

		error = memory_visit(memory, i, false, check_piece, &pattern);
		if (error == -EBADMSG)
			snprintf(bench->why, sizeof(bench->why),
				 "buffer %u has wrong bytes at %llu", i,
				 (unsigned long long)pattern.wrong);
	}
	return error;
}
