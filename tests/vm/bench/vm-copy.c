// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How fast files get into dma-bufs and out of them, against what the disk can
 * do at all. For a guest of tests/vm, or any machine with the series:
 *
 *	vm-copy [-d DIR] [-n FILES] [-m MIB] [-r ROUNDS] [-H HEAP] [-w MIB]
 *
 * Each round runs every row once, with the page cache dropped before each, so
 * that ratios are between neighbours in time; shown are medians. A row's time
 * has three parts: making the memory (Creat), the I/O, and giving the memory
 * back (Close). The limits are direct I/O on memory that is there already, at
 * the depth that a first round found best.
 *
 * An emulated disk's DMA is a copy by the host's CPU. Into memory of -w MIB, as
 * much as its caches hold, that is faster than into any buffers of a gigabyte;
 * so the limits go round in more than that, unless -w says so.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MIB		(1024ul * 1024)
#define MAX_FILES	256
#define MAX_ROUNDS	64
#define MAX_DEPTH	8
#define MAX_WINDOW	(128 * MIB)

static struct {
	const char *dir, *heap;
	unsigned int files, rounds;
	size_t size;			/* of each file */
	size_t window;			/* of the memory that the limits reuse */
} options = {
	.dir = "/data/ext4", .heap = "system", .files = 32, .rounds = 7,
	.size = 32 * MIB, .window = MAX_WINDOW,
};

struct result {
	double create, io, close, cpu;	/* seconds */
};

struct row {
	const char *name;
	bool write;
	void (*run)(const struct row *row, struct result *result);
	struct result results[MAX_ROUNDS];
};

/* Memory for the limits, used again and again. */
static char *reused;
static struct shape { unsigned int depth; size_t piece; } read_shape, write_shape;

static void die(const char *what)
{
	fprintf(stderr, "vm-copy: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static double cpu(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_utime.tv_sec + usage.ru_utime.tv_usec / 1e6 +
	       usage.ru_stime.tv_sec + usage.ru_stime.tv_usec / 1e6;
}

static int open_file(unsigned int i, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/vm-copy.%u", options.dir, i);
	fd = open(path, flags | O_CLOEXEC, 0644);
	if (fd < 0)
		die(path);
	return fd;
}

static void open_files(int *fds, int flags)
{
	unsigned int i;

	for (i = 0; i < options.files; i++)
		fds[i] = open_file(i, flags);
}

static void close_all(int *fds)
{
	unsigned int i;

	for (i = 0; i < options.files; i++)
		close(fds[i]);
}

static void sync_all(int *fds)
{
	unsigned int i;

	for (i = 0; i < options.files; i++)
		if (fdatasync(fds[i]))
			die("fdatasync");
}

/* Where the next piece goes to, or comes from: round and round. */
static uintptr_t next_place(size_t piece)
{
	static size_t at;

	at += piece;
	if (at + piece > options.window)
		at = 0;
	return (uintptr_t)reused + at;
}

/* Asynchronous direct I/O over all of a file, depth pieces in flight. */
static void stream(aio_context_t ctx, int fd, const struct shape *shape,
		   bool write)
{
	struct iocb iocbs[MAX_DEPTH], *one;
	struct io_event events[MAX_DEPTH];
	unsigned int flying = 0, i;
	size_t pos = 0, slot;
	int nr;

	while (pos < options.size || flying) {
		while (pos < options.size && flying < shape->depth) {
			/* whole pieces are in flight, in order enough */
			slot = pos / shape->piece % shape->depth;
			one = &iocbs[slot];
			memset(one, 0, sizeof(*one));
			one->aio_fildes = fd;
			one->aio_lio_opcode = write ? IOCB_CMD_PWRITE :
						      IOCB_CMD_PREAD;
			one->aio_buf = next_place(shape->piece);
			one->aio_nbytes = shape->piece;
			one->aio_offset = pos;
			if (syscall(SYS_io_submit, ctx, 1, &one) != 1)
				die("io_submit");
			pos += shape->piece;
			flying++;
		}
		nr = syscall(SYS_io_getevents, ctx, 1, MAX_DEPTH, events, NULL);
		if (nr < 1)
			die("io_getevents");
		for (i = 0; i < (unsigned int)nr; i++)
			if (events[i].res != (long long)shape->piece) {
				errno = -events[i].res;
				die("direct I/O");
			}
		flying -= nr;
	}
}

static double stream_all(const struct shape *shape, bool write)
{
	int fds[MAX_FILES];
	aio_context_t ctx = 0;
	double start;
	unsigned int i;

	open_files(fds, (write ? O_WRONLY : O_RDONLY) | O_DIRECT);
	if (syscall(SYS_io_setup, MAX_DEPTH, &ctx))
		die("io_setup");
	start = now();
	for (i = 0; i < options.files; i++)
		stream(ctx, fds[i], shape, write);
	if (write)
		sync_all(fds);
	start = now() - start;
	syscall(SYS_io_destroy, ctx);
	close_all(fds);
	return start;
}

static void run_limit(const struct row *row, struct result *result)
{
	result->cpu = -cpu();
	result->io = stream_all(row->write ? &write_shape : &read_shape,
				row->write);
	result->cpu += cpu();
}

static int allocate(int heap)
{
	struct dma_heap_allocation_data data = {
		.len = options.size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data))
		die("allocating a buffer");
	return data.fd;
}

static void make_buffers(int *buffers, struct result *result)
{
	char path[96];
	unsigned int i;
	int heap;

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", options.heap);
	heap = open(path, O_RDWR | O_CLOEXEC);
	if (heap < 0)
		die(path);
	result->create = -now();
	for (i = 0; i < options.files; i++)
		buffers[i] = allocate(heap);
	result->create += now();
	close(heap);
}

static void drop_buffers(int *buffers, struct result *result)
{
	result->close = -now();
	close_all(buffers);
	result->close += now();
}

static void copy(int in, int out)
{
	size_t left = options.size;
	ssize_t ret;

	while (left) {
		ret = copy_file_range(in, NULL, out, NULL, left, 0);
		if (ret <= 0)
			die("copy_file_range");
		left -= ret;
	}
}

static void copy_buffers(const struct row *row, struct result *result,
			 int flags)
{
	int files[MAX_FILES], buffers[MAX_FILES];
	unsigned int i;

	make_buffers(buffers, result);
	open_files(files, (row->write ? O_WRONLY : O_RDONLY) | flags);
	result->cpu = -cpu();
	result->io = -now();
	for (i = 0; i < options.files; i++)
		if (row->write)
			copy(buffers[i], files[i]);
		else
			copy(files[i], buffers[i]);
	if (row->write)
		sync_all(files);
	result->io += now();
	result->cpu += cpu();
	close_all(files);
	drop_buffers(buffers, result);
}

static void run_copy_direct(const struct row *row, struct result *result)
{
	copy_buffers(row, result, O_DIRECT);
}

static void run_copy_cached(const struct row *row, struct result *result)
{
	copy_buffers(row, result, 0);
}

static void bracket(int buffer, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	if (ioctl(buffer, DMA_BUF_IOCTL_SYNC, &sync))
		die("DMA_BUF_IOCTL_SYNC");
}

/* How it is done without the series: a mapping, and read() or write(). */
static void map_and_move(int buffer, int file, bool write)
{
	uint64_t access = write ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_WRITE;
	size_t done = 0;
	ssize_t ret;
	char *map = mmap(NULL, options.size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, buffer, 0);

	if (map == MAP_FAILED)
		die("mapping a buffer");
	bracket(buffer, DMA_BUF_SYNC_START | access);
	while (done < options.size) {
		ret = write ? pwrite(file, map + done, options.size - done,
				     done) :
			      pread(file, map + done, options.size - done,
				    done);
		if (ret <= 0)
			die("mapped I/O");
		done += ret;
	}
	bracket(buffer, DMA_BUF_SYNC_END | access);
	munmap(map, options.size);
}

static void run_mapped(const struct row *row, struct result *result)
{
	int files[MAX_FILES], buffers[MAX_FILES];
	unsigned int i;

	make_buffers(buffers, result);
	open_files(files, row->write ? O_WRONLY : O_RDONLY);
	result->cpu = -cpu();
	result->io = -now();
	for (i = 0; i < options.files; i++)
		map_and_move(buffers[i], files[i], row->write);
	if (row->write)
		sync_all(files);
	result->io += now();
	result->cpu += cpu();
	close_all(files);
	drop_buffers(buffers, result);
}

static struct row rows[] = {
	{ .name = "limit: O_DIRECT read", .write = false, .run = run_limit },
	{ .name = "dmabuf direct c_f_r", .write = false, .run = run_copy_direct },
	{ .name = "dmabuf buffer c_f_r", .write = false, .run = run_copy_cached },
	{ .name = "dmabuf mmap+buffer R", .write = false, .run = run_mapped },
	{ .name = "limit: O_DIRECT write", .write = true, .run = run_limit },
	{ .name = "dmabuf direct c_f_r W", .write = true, .run = run_copy_direct },
	{ .name = "dmabuf buffer c_f_r W", .write = true, .run = run_copy_cached },
	{ .name = "dmabuf mmap+buffer W", .write = true, .run = run_mapped },
};

#define NR_ROWS	(sizeof(rows) / sizeof(rows[0]))

/* The limit, the copy and the old way of a direction, by their places. */
enum { LIMIT, DIRECT, CACHED, MAPPED };

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	sync();
	if (fd < 0 || write(fd, "3", 1) != 1)
		die("/proc/sys/vm/drop_caches");
	close(fd);
}

static void make_files(void)
{
	unsigned int i;
	size_t done;
	int fd;

	for (i = 0; i < options.files; i++) {
		fd = open_file(i, O_CREAT | O_TRUNC | O_WRONLY);
		for (done = 0; done < options.size; done += MIB)
			if (write(fd, reused, MIB) != (ssize_t)MIB)
				die("writing a file");
		fsync(fd);
		close(fd);
	}
}

/*
 * Whoever touches a guest's memory first pays for the host's page: do that
 * before anything is measured. By way of a file, since a mapping of so many
 * pages is too much for User Mode Linux.
 */
static void touch_memory(void)
{
	size_t left = (size_t)sysconf(_SC_AVPHYS_PAGES) * getpagesize();
	int fd = memfd_create("touch", MFD_CLOEXEC);

	for (left -= left / 8; left > MIB; left -= MIB)
		if (fd < 0 || write(fd, reused, MIB) != (ssize_t)MIB)
			break;
	close(fd);
}

static struct shape find_shape(bool write)
{
	static const unsigned int depths[] = { 1, 2, 4, 8 };
	static const size_t pieces[] = { 1 * MIB, 4 * MIB, 32 * MIB };
	struct shape best = { 1, MIB }, shape;
	double time, least = 1e9;
	unsigned int i, j;

	for (i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		for (j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++) {
			shape = (struct shape){ depths[i], pieces[j] };
			if (shape.piece > options.size ||
			    shape.depth * shape.piece > options.window)
				continue;
			drop_caches();
			time = stream_all(&shape, write);
			if (time < least) {
				least = time;
				best = shape;
			}
		}
	}
	return best;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values)
{
	qsort(values, options.rounds, sizeof(*values), by_value);
	return values[options.rounds / 2];
}

#define MEDIAN_OF(row, part)						\
	({								\
		double values_[MAX_ROUNDS];				\
		unsigned int i_;					\
									\
		for (i_ = 0; i_ < options.rounds; i_++)			\
			values_[i_] = (row)->results[i_].part;		\
		median(values_);					\
	})

static void print_rows(void)
{
	double mib = options.files * options.size / 1e6, base = 0;
	unsigned int i;

	printf("|    %ux%zuMB %u rounds     |Creat-ms|Close-ms|  I/O-ms|I/O-MB/s| I/O%%|CPU-ms\n",
	       options.files, options.size / MIB, options.rounds);
	printf("|-------------------------|--------|--------|--------|--------|-----|------\n");
	for (i = 0; i < NR_ROWS; i++) {
		double io = MEDIAN_OF(&rows[i], io);

		if (i % 4 == LIMIT)
			base = MEDIAN_OF(&rows[i + MAPPED], io);
		printf("|%25s|%8.0f|%8.0f|%8.0f|%8.0f|%4.0f%%|%6.0f\n",
		       rows[i].name, MEDIAN_OF(&rows[i], create) * 1e3,
		       MEDIAN_OF(&rows[i], close) * 1e3, io * 1e3, mib / io,
		       100 * base / io, MEDIAN_OF(&rows[i], cpu) * 1e3);
	}
}

/* How many times as fast one row is as another, round by round. */
static void print_ratio(const char *what, const struct row *fast,
			const struct row *slow)
{
	double values[MAX_ROUNDS], middle;
	unsigned int i;

	for (i = 0; i < options.rounds; i++)
		values[i] = slow->results[i].io / fast->results[i].io;
	middle = median(values);
	printf("%s: %.2f (%.2f to %.2f)\n", what, middle, values[0],
	       values[options.rounds - 1]);
}

static void print_ratios(const struct row *group, const char *direction)
{
	char what[96];
	double old = MEDIAN_OF(&group[MAPPED], cpu);

	snprintf(what, sizeof(what), "%s, direct copy against the limit",
		 direction);
	print_ratio(what, &group[DIRECT], &group[LIMIT]);
	snprintf(what, sizeof(what), "%s, direct copy against mmap",
		 direction);
	print_ratio(what, &group[DIRECT], &group[MAPPED]);
	printf("%s, CPU time of the direct copy: %.1f %% of mmap's\n",
	       direction, 100 * MEDIAN_OF(&group[DIRECT], cpu) / old);
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "d:n:m:r:H:w:")) != -1) {
		switch (c) {
		case 'd': options.dir = optarg; break;
		case 'n': options.files = atoi(optarg); break;
		case 'm': options.size = atoi(optarg) * MIB; break;
		case 'r': options.rounds = atoi(optarg); break;
		case 'H': options.heap = optarg; break;
		case 'w': options.window = atoi(optarg) * MIB; break;
		default: exit(2);
		}
	}
	if (!options.files || options.files > MAX_FILES || !options.size ||
	    !options.rounds || options.rounds > MAX_ROUNDS ||
	    !options.window || options.window > MAX_WINDOW) {
		fprintf(stderr, "vm-copy: a number is out of range\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	unsigned int round, i;

	parse(argc, argv);
	reused = mmap(NULL, MAX_WINDOW, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (reused == MAP_FAILED)
		die("memory");
	memset(reused, 0x5a, MAX_WINDOW);
	touch_memory();
	make_files();
	read_shape = find_shape(false);
	write_shape = find_shape(true);
	printf("the limit is %u x %zu MiB in flight for reads, %u x %zu for writes, in %zu MiB of memory\n",
	       read_shape.depth, read_shape.piece / MIB,
	       write_shape.depth, write_shape.piece / MIB,
	       options.window / MIB);
	for (round = 0; round < options.rounds; round++) {
		for (i = 0; i < NR_ROWS; i++) {
			drop_caches();
			rows[i].run(&rows[i], &rows[i].results[round]);
		}
	}
	print_rows();
	print_ratios(&rows[0], "reads");
	print_ratios(&rows[4], "writes");
	for (i = 0; i < options.files; i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/vm-copy.%u", options.dir, i);
		unlink(path);
	}
	return 0;
}
