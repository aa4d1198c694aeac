// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the disk can do at all: asynchronous direct I/O, several pieces in
 * flight, into memory that is there already, or out of it.
 *
 * An emulated disk's DMA is a copy by the host's CPU. Into memory that its
 * caches hold that is faster than into any buffers of a gigabyte; so this goes
 * round in more than that, unless the settings' window says so.
 */
#include "bench.h"
#include "pattern.h"
#include "raw.h"
#include "sample.h"
#include "set.h"
#include "table.h"
#include "tools.h"
#include "util/scope.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define MAX_DEPTH 8u
#define TRIES	  3u /* of each shape */

/* How it goes: found once for each direction, and each size and number of files. */
struct shape {
	unsigned depth;
	uint64_t piece;
};

struct stream {
	char *ring;
	uint64_t window;
	struct shape shape;
	struct set set;
	int *files;
	bool write;
	aio_context_t context;
	unsigned flying;
	struct iocb slots[MAX_DEPTH];
	unsigned free_slots[MAX_DEPTH]; /* the first MAX_DEPTH - flying of them */
};

static uint64_t pieces_of_file(const struct stream *stream)
{
	return (stream->set.size + stream->shape.piece - 1) / stream->shape.piece;
}

static uint64_t pieces_of_all(const struct stream *stream)
{
	return pieces_of_file(stream) * stream->set.count;
}

/* Round and round. */
static uint64_t slots_of_ring(const struct stream *stream)
{
	return stream->window / stream->shape.piece;
}

static uint64_t place_in_ring(const struct stream *stream, uint64_t number)
{
	return number % slots_of_ring(stream) * stream->shape.piece;
}

static uint64_t position_in_file(const struct stream *stream, uint64_t number)
{
	return number % pieces_of_file(stream) * stream->shape.piece;
}

static uint64_t size_of_piece(const struct stream *stream, uint64_t number)
{
	const uint64_t left = stream->set.size - position_in_file(stream, number);

	return left < stream->shape.piece ? left : stream->shape.piece;
}

static int submit(struct stream *stream, uint64_t number)
{
	const unsigned slot = stream->free_slots[MAX_DEPTH - 1 - stream->flying];
	struct iocb *iocb = &stream->slots[slot];

	*iocb = (struct iocb){
		.aio_data = slot,
		.aio_fildes = stream->files[number / pieces_of_file(stream)],
		.aio_lio_opcode = stream->write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
		.aio_buf = (uintptr_t)stream->ring + place_in_ring(stream, number),
		.aio_nbytes = size_of_piece(stream, number),
		.aio_offset = position_in_file(stream, number),
	};
	if (syscall(SYS_io_submit, stream->context, 1, &iocb) != 1)
		return -errno;
	stream->flying++;
	return 0;
}

static int finish(struct stream *stream, const struct io_event *event)
{
	const struct iocb *iocb = &stream->slots[event->data];

	stream->flying--;
	stream->free_slots[MAX_DEPTH - 1 - stream->flying] = event->data;
	if (event->res == (int64_t)iocb->aio_nbytes)
		return 0;
	return event->res < 0 ? (int)event->res : -EIO;
}

static int reap(struct stream *stream)
{
	struct io_event events[MAX_DEPTH];
	const long count = syscall(SYS_io_getevents, stream->context, 1, MAX_DEPTH, events, NULL);
	int error = count < 1 ? -errno : 0;

	for (long i = 0; i < count; i++)
		error = finish(stream, &events[i]) ?: error;
	return error;
}

static int move_pieces(struct stream *stream)
{
	const uint64_t end = pieces_of_all(stream);
	uint64_t next = 0;
	int error = 0;

	while (next < end && !error)
		error = stream->flying < stream->shape.depth ? submit(stream, next++)
							     : reap(stream);
	while (stream->flying)
		error = reap(stream) ?: error;
	for (unsigned i = 0; i < stream->set.count && stream->write && !error; i++)
		error = fdatasync(stream->files[i]) ? -errno : 0;
	return error;
}

static int move_stream(struct bench *bench, struct stream *stream, double values[])
{
	const int mode = stream->write ? O_WRONLY : O_RDONLY;
	int error = open_files(bench, &stream->set, mode | O_DIRECT, &stream->files);

	if (error)
		return error;
	for (unsigned i = 0; i < MAX_DEPTH; i++)
		stream->free_slots[i] = i;
	error = syscall(SYS_io_setup, MAX_DEPTH, &stream->context) ? -errno : drop_caches();
	const struct meter meter = meter_start();

	error = error ?: move_pieces(stream);
	meter_stop(bench, &meter, stream->set.size * stream->set.count, 0, values);
	syscall(SYS_io_destroy, stream->context);
	stream->context = 0;
	close_files(stream->files, stream->set.count);
	return error;
}

static const struct shape shapes[] = {
	{1, 1 << 20}, {2, 1 << 20}, {4, 1 << 20},  {8, 1 << 20},  {1, 4 << 20},	 {2, 4 << 20},
	{4, 4 << 20}, {8, 4 << 20}, {1, 32 << 20}, {2, 32 << 20}, {4, 32 << 20},
};

static bool fits(const struct stream *stream, const struct shape *shape)
{
	return shape == shapes ||
	       (shape->piece <= stream->set.size && shape->piece * shape->depth <= stream->window);
}

static double lesser(double a, double b)
{
	return a < b ? a : b;
}

/* The least time of several: who is held up once is not slow. */
static int try_shape(struct bench *bench, struct stream *stream, const struct shape *shape,
		     double *least)
{
	double values[MAX_FIGURES];
	int error = 0;

	stream->shape = *shape;
	*least = INFINITY;
	for (unsigned i = 0; i < TRIES && !error; i++) {
		error = move_stream(bench, stream, values);
		*least = lesser(*least, values[IO]);
	}
	return error;
}

static void print_shape(const struct stream *stream)
{
	printf("the limit of %s of %u × %.4g MiB: %u × %llu MiB in flight, in %llu MiB of "
	       "memory\n",
	       stream->write ? "writes" : "reads", stream->set.count, stream->set.size / 0x1p20,
	       stream->shape.depth, (unsigned long long)stream->shape.piece >> 20,
	       (unsigned long long)stream->window >> 20);
}

static int find_shape(struct bench *bench, struct stream *stream)
{
	struct shape best = shapes[0];
	double least = INFINITY, time;
	int error = 0;

	for (unsigned i = 0; i < sizeof(shapes) / sizeof(shapes[0]) && !error; i++) {
		if (!fits(stream, &shapes[i]))
			continue;
		error = try_shape(bench, stream, &shapes[i], &time);
		if (time < least)
			best = shapes[i];
		least = lesser(least, time);
	}
	stream->shape = best;
	if (!error)
		print_shape(stream);
	return error;
}

/* What was found for sets like this one, or 0. */
static struct shape *remembered(const struct stream *stream)
{
	static struct {
		uint64_t size;
		unsigned count;
		struct shape shape;
	} found[2];
	const bool same = found[stream->write].size == stream->set.size &&
			  found[stream->write].count == stream->set.count;

	if (!same)
		found[stream->write].shape = (struct shape){};
	found[stream->write].size = stream->set.size;
	found[stream->write].count = stream->set.count;
	return &found[stream->write].shape;
}

static int choose_shape(struct bench *bench, struct stream *stream)
{
	struct shape *shape = remembered(stream);
	int error = 0;

	stream->shape = *shape;
	if (!shape->depth)
		error = find_shape(bench, stream);
	if (!error)
		*shape = stream->shape;
	return error;
}

static int wrong(struct bench *bench, uint64_t position)
{
	snprintf(bench->why, sizeof(bench->why), "wrong bytes at %llu of the limit",
		 (unsigned long long)position);
	return -EBADMSG;
}

/* What later pieces have not overwritten. */
static int check_ring(struct bench *bench, const struct stream *stream)
{
	const uint64_t end = pieces_of_all(stream), slots = slots_of_ring(stream);

	for (uint64_t number = end > slots ? end - slots : 0; number < end; number++) {
		const uint64_t owner = stream->set.owner + number / pieces_of_file(stream);
		const uint64_t at = pattern_check(stream->ring + place_in_ring(stream, number),
						  owner, position_in_file(stream, number),
						  size_of_piece(stream, number));

		if (at != PATTERN_SAME)
			return wrong(bench, at);
	}
	return 0;
}

/* The files have what the ring had in the place of each piece. */
static int check_written(struct bench *bench, struct stream *stream, char *piece)
{
	int error = open_files(bench, &stream->set, O_RDONLY, &stream->files);

	if (error)
		return error;
	for (uint64_t number = 0; number < pieces_of_all(stream) && !error; number++) {
		const uint64_t size = size_of_piece(stream, number);
		const ssize_t count = pread(stream->files[number / pieces_of_file(stream)], piece,
					    size, position_in_file(stream, number));

		if (count != (ssize_t)size)
			error = count < 0 ? -errno : wrong(bench, position_in_file(stream, number));
		else if (memcmp(piece, stream->ring + place_in_ring(stream, number), size))
			error = wrong(bench, position_in_file(stream, number));
	}
	close_files(stream->files, stream->set.count);
	return error;
}

static int stream_out(struct bench *bench, struct stream *stream, double values[])
{
	scope(free) char *piece = malloc(shapes[sizeof(shapes) / sizeof(shapes[0]) - 1].piece);
	int error = set_of_targets(bench, &stream->set) ?: choose_shape(bench, stream);

	if (!piece)
		return -ENOMEM;
	pattern_fill(stream->ring, ++bench->serial, 0, stream->window);
	error = error ?: move_stream(bench, stream, values);
	error = error ?: drop_caches();
	return error ?: check_written(bench, stream, piece);
}

static int stream_in(struct bench *bench, struct stream *stream, double values[])
{
	int error = set_of_sources(&stream->set, bench->files, bench->settings.count,
				   bench->settings.size);

	error = error ?: choose_shape(bench, stream);
	memset(stream->ring, 0, stream->window);
	error = error ?: move_stream(bench, stream, values);
	return error ?: check_ring(bench, stream);
}

/* The same memory in each run: there already, and cheap to write to. */
static int find_ring(struct stream *stream)
{
	static char *ring;

	if (!ring) {
		char *memory = mmap(NULL, stream->window, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			return -errno;
		madvise(memory, stream->window, MADV_POPULATE_WRITE);
		ring = memory;
	}
	stream->ring = ring;
	return 0;
}

int run_limit(struct bench *bench, const struct row *row, double values[])
{
	const struct raw *raw = row->how;
	struct stream stream = {.window = bench->settings.window, .write = raw->write};
	const int error = find_ring(&stream);

	if (bench->settings.size % PATTERN_PAGE)
		return unable(bench, "direct I/O by hand needs whole pages");
	if (error)
		return error;
	return raw->write ? stream_out(bench, &stream, values) : stream_in(bench, &stream, values);
}
