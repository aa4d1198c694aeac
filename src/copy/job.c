// SPDX-License-Identifier: GPL-2.0-or-later
#include "copy/job.h"

#include "util/clock.h"
#include "util/math.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Below this size direct I/O, with a second open and a wait for the disk, does not pay. */
#define SMALL (64u << 10)

#define PIECE_FIRST	 (1u << 20)
#define PIECE_LEAST	 (256u << 10)
#define PIECE_LARGE_PAGE (2u << 20) /* mapping a part of a large page would split it */
#define PIECE_CFR_MOST	 (32u << 20)

struct job *job_create(const struct copy *copy, copy_done *done, void *context)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->copy = *copy;
	job->done = done;
	job->context = context;
	job->file.direct = -1;
	pthread_mutex_init(&job->solid_lock, NULL);
	clock_gettime(CLOCK_MONOTONIC, &job->begun);
	return job;
}

bool job_is_cancelled(const struct job *job)
{
	return *job->stopping || (job->copy.cancel && *job->copy.cancel);
}

static uint64_t length_behind(uint64_t size, off_t offset)
{
	return size > (uint64_t)offset ? size - (uint64_t)offset : 0;
}

/* The bytes to copy, as far as the source tells. */
static uint64_t find_length(struct job *job)
{
	const struct copy *copy = &job->copy;

	if (copy->direction == COPY_TO_FILE)
		return min_u64(copy->length,
			       length_behind(buffer_size(copy->buffer), copy->memory_offset));
	if (job->file.kind == FILE_STREAM)
		return copy->length;
	return min_u64(copy->length, length_behind(job->file.size, copy->file_offset));
}

static bool may_be_direct(const struct job *job)
{
	return job->file.kind == FILE_DIRECT && job->copy.direct != COPY_DIRECT_NEVER;
}

static bool is_congruent(const struct job *job)
{
	const uint32_t align = job->file.memory_align;

	return (uint64_t)job->copy.file_offset % align == (uint64_t)job->copy.memory_offset % align;
}

static void gather_facts(struct job *job)
{
	const struct copy *copy = &job->copy;

	job->facts = (struct plan_facts){
		.file = job->file.kind,
		.kernel =
			buffer_may_copy_file_range(copy->buffer) ? KERNEL_UNTRIED : KERNEL_CAN_NOT,
		.direct = copy->direct,
		.small = job->length < SMALL,
		.scattered = !buffer_has_large_pages(copy->buffer),
		.access = buffer_access(copy->buffer),
	};
	job->facts.warm = may_be_direct(job) && !job->facts.small &&
			  copy->direction == COPY_TO_MEMORY && copy->direct == COPY_DIRECT_AUTO &&
			  copy_file_is_warm(&job->file, copy->file_offset, job->length);
}

/* Decides again if opening the file for direct I/O shows that it has none. */
static void decide(struct job *job)
{
	job->facts.congruent = is_congruent(job);
	job->plan = plan_row(&job->facts);
	if (!job->plan->o_direct || job->file.direct >= 0)
		return;
	copy_file_open_direct(&job->file);
	job->facts.file = job->file.kind;
	job->facts.congruent = is_congruent(job);
	job->plan = plan_row(&job->facts);
}

/*
 * The bytes that this and later copies write, or 0 if that is not known. The rest of
 * a file is known to be the end. A whole file may be one of many that are appended.
 */
static uint64_t find_room(const struct job *job)
{
	const uint64_t left = length_behind(job->file.size, job->copy.file_offset);

	if (job->copy.asked > job->copy.length)
		return min_u64(job->copy.asked, left);
	return job->copy.file_offset && job->length == left ? left : 0;
}

static int begin_fill(struct job *job)
{
	if (job->copy.direction == COPY_TO_FILE || job->file.kind == FILE_STREAM)
		return 0;
	const int error = buffer_fill_begin(&job->fill, job->copy.buffer, job->copy.memory_offset,
					    job->length, find_room(job));

	job->fill_begun = !error;
	return error;
}

/* The kernel does not copy this. */
static bool is_refusal(int error)
{
	return error == -EXDEV || error == -EOPNOTSUPP || error == -EINVAL || error == -ENOSYS ||
	       error == -EBUSY;
}

/* The first piece shows whether copy_file_range(2) works. */
static void try_cfr(struct job *job)
{
	const struct piece piece = job_claim(job);
	int error;
	const ssize_t n = engine_cfr(job, piece, NULL, &error);

	if (n > 0 || !(error == 0 || is_refusal(error))) {
		job_settle(job, piece, n, error);
		return;
	}
	job->claimed = 0;
	job->running = 0;
	job->facts.kernel = KERNEL_CAN_NOT;
	decide(job);
}

void job_prepare(struct job *job)
{
	const struct copy *copy = &job->copy;

	copy_file_init(&job->file, copy->file, copy->direction);
	job->end = job->length = find_length(job);
	if (job->length && job_is_cancelled(job))
		job->error = -EINTR;
	else if (job->length)
		job->error = begin_fill(job);
	if (job->error)
		job->end = 0;
	gather_facts(job);
	decide(job);
	if (job->end && job->plan->engine == ENGINE_CFR)
		try_cfr(job);
}

/* Reading does not wait for a disk. */
static bool is_from_memory(const struct job *job)
{
	return job->facts.warm || job->facts.file == FILE_IN_MEMORY;
}

/*
 * The most pieces in progress. Files and dma-bufs let one thread write at a time. A
 * copy from memory keeps two threads busy, one reading and one writing; a third would
 * only spin at the lock.
 */
static unsigned int most_at_once(const struct job *job)
{
	if (job->plan->engine == ENGINE_CFR || job->plan->engine == ENGINE_STREAM)
		return 1;
	if (job->plan->engine == ENGINE_BUFFERED && is_from_memory(job))
		return 2;
	return COPY_MAX_THREADS;
}

bool job_can_claim(struct job *job)
{
	if (job->claimed < job->end && job_is_cancelled(job)) {
		job->end = job->claimed;
		job->error = -EINTR;
	}
	return job->claimed < job->end && !job->late && job->running < most_at_once(job);
}

/*
 * Large pieces have less overhead, and small ones end sooner when the copy is
 * cancelled. So a piece is sized to take some hundredths of a second.
 */
static size_t piece_size(const struct job *job)
{
	const bool cfr = job->plan->engine == ENGINE_CFR;
	const size_t most = cfr ? PIECE_CFR_MOST : PIECE_MOST;
	size_t size = job->plan->engine == ENGINE_DIRECT ? PIECE_LARGE_PAGE : PIECE_LEAST;

	if (!job->moved)
		return max_u64(size, PIECE_FIRST);
	const double rate = (double)job->moved / (seconds_since(&job->begun) + 1e-6);
	while (size < most && (double)size * 2 < rate / (cfr ? 8 : 32))
		size *= 2;
	return size;
}

/* Pieces are aligned to their size in the file; only the first and the last may be odd. */
struct piece job_claim(struct job *job)
{
	const size_t size = piece_size(job);
	const uint64_t position = (uint64_t)job->copy.file_offset + job->claimed;
	const struct piece piece = {
		.at = job->claimed,
		.size = (size_t)min_u64(size - position % size, job->end - job->claimed),
	};

	job->claimed += piece.size;
	job->running++;
	return piece;
}

/* Holes are skipped in units of this. */
#define HOLE_UNIT (64 << 10)

static off_t seek_source(struct job *job, off_t offset, int whence)
{
	if (job->copy.direction == COPY_TO_FILE)
		return buffer_seek(job->copy.buffer, offset, whence);
	offset = lseek(job->copy.file, offset, whence);
	return offset < 0 ? -errno : offset;
}

/*
 * The offset in the copy from @at on of the next data or hole, at most @end. A source that
 * does not tell has data everywhere.
 */
static uint64_t seek(struct job *job, uint64_t at, uint64_t end, int whence)
{
	const off_t begin = job->copy.direction == COPY_TO_FILE ? job->copy.memory_offset
								: job->copy.file_offset;
	const off_t found = seek_source(job, begin + (off_t)at, whence);

	if (found >= 0)
		return min_u64((uint64_t)(found - begin), end);
	return found == -ENXIO || whence == SEEK_HOLE ? end : at;
}

/* Rounds an offset in the copy, plus @add, down to a unit of the file, or to the start. */
static uint64_t align(const struct job *job, uint64_t at, uint64_t add)
{
	const uint64_t begin = (uint64_t)job->copy.file_offset;
	const uint64_t position = begin + at + add;
	const uint64_t aligned = position - position % HOLE_UNIT;

	return aligned > begin ? aligned - begin : 0;
}

/*
 * Cuts @piece to the part at its start that is a hole, which the destination has already, or
 * that is none. Returns which.
 */
static bool cut_at_hole(struct job *job, struct piece *piece)
{
	const uint64_t end = piece->at + piece->size;

	if (!job->copy.fresh || job->file.kind == FILE_STREAM)
		return false;
	const uint64_t data = seek(job, piece->at, end, SEEK_DATA);
	const uint64_t data_begin = data < end ? align(job, data, 0) : end;

	if (data_begin > piece->at && data > piece->at) {
		piece->size = (size_t)(data_begin - piece->at);
		return true;
	}
	const uint64_t hole = align(job, seek(job, data, end, SEEK_HOLE), HOLE_UNIT - 1);

	piece->size = (size_t)(min_u64(hole, end) - piece->at);
	return false;
}

/* Moves the rest of a piece that the kernel refused. It may exceed the bounce buffer. */
static ssize_t move_rest(struct job *job, struct piece piece, ssize_t moved, char *bounce,
			 int *error)
{
	job->fell_back = true;
	*error = 0;
	while ((size_t)moved < piece.size && !*error) {
		const size_t left = piece.size - (size_t)moved;
		const struct piece part = {.at = piece.at + (uint64_t)moved,
					   .size = min_u64(left, PIECE_MOST)};
		const ssize_t n = engine_calls(job, part, bounce, error);

		moved += n;
		if ((size_t)n < part.size)
			break;
	}
	return moved;
}

static ssize_t move_data(struct job *job, struct piece piece, char *bounce, int *error)
{
	static engine *const engines[] = {
		[ENGINE_CFR] = engine_cfr,	 [ENGINE_DIRECT] = engine_direct,
		[ENGINE_BOUNCE] = engine_bounce, [ENGINE_BUFFERED] = engine_direct,
		[ENGINE_STREAM] = engine_stream,
	};
	const enum copy_engine chosen = job->plan->engine;

	const ssize_t n = engines[chosen](job, piece, bounce, error);

	if (chosen == ENGINE_CFR && is_refusal(*error))
		return move_rest(job, piece, n, bounce, error);
	return n;
}

static ssize_t move_part(struct job *job, struct piece part, bool is_hole, char *bounce, int *error)
{
	if (!is_hole)
		return move_data(job, part, bounce, error);
	job->direct_bytes += job->plan->o_direct ? part.size : 0;
	return (ssize_t)part.size;
}

ssize_t job_move(struct job *job, struct piece piece, char *bounce, int *error)
{
	struct piece left = piece, part;
	bool all = true;

	*error = 0;
	while (left.size && all && !*error) {
		part = left;
		const bool is_hole = cut_at_hole(job, &part);
		const ssize_t n = move_part(job, part, is_hole, bounce, error);

		all = (size_t)n == part.size;
		left.at += (uint64_t)n;
		left.size -= (size_t)n;
	}
	return (ssize_t)(piece.size - left.size);
}

void job_settle(struct job *job, struct piece piece, ssize_t moved, int error)
{
	const uint64_t end = piece.at + (uint64_t)moved;

	job->running--;
	job->moved += (uint64_t)moved;
	if (job->copy.progress)
		*job->copy.progress = job->moved;
	if ((size_t)moved == piece.size || end >= job->end)
		return;
	job->end = end;
	job->error = error;
}

bool job_is_over(const struct job *job)
{
	return job->prepared && !job->running && job->claimed >= job->end;
}

void copy_report_print(const struct copy_report *report, char line[static COPY_LINE_BYTES])
{
	const char *error = report->error ? strerror(-report->error) : NULL;

	snprintf(line, COPY_LINE_BYTES,
		 "engine=%s direct=%s bytes=%" PRIu64 " seconds=%.6f reason=%s%s%s", report->engine,
		 report->direct ? "yes" : "no", report->bytes, report->seconds, report->reason,
		 error ? "; ended by: " : "", error ?: "");
}

static void explain(const struct job *job, struct copy_report *report)
{
	struct plan_facts facts = job->facts;

	if (job->refused)
		facts.file = FILE_REFUSED;
	const struct plan_row *row = plan_row(&facts);

	report->engine = plan_engine_name(row->engine);
	snprintf(report->reason, sizeof(report->reason), "%s%s", row->reason,
		 job->fell_back ? ", in part" : "");
}

static struct copy_report make_report(const struct job *job)
{
	struct copy_report report = {
		.bytes = job->end,
		.error = job->error,
		.seconds = seconds_since(&job->begun),
		.direct = job->end && job->direct_bytes >= job->end / 2 && !job->refused,
	};

	explain(job, &report);
	return report;
}

void job_end(struct job *job)
{
	int error = 0;

	if (job->fill_begun)
		error = buffer_fill_finish(&job->fill, job->copy.buffer, job->end, job->claimed);
	copy_file_finish(&job->file);
	if (error)
		job->error = error;
	struct copy_report report = make_report(job);

	if (error)
		report.bytes = 0;
	job->done(job->context, report.bytes ? (int64_t)report.bytes : report.error, &report);
	pthread_mutex_destroy(&job->solid_lock);
	free(job);
}
