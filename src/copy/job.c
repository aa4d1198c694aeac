// SPDX-License-Identifier: GPL-2.0-or-later
#include "copy/job.h"

#include "util/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Direct I/O is a second open and waits for the disk; below this it is not worth it. */
#define SMALL (64u << 10)

#define PIECE_FIRST	  (1u << 20)
#define PIECE_LEAST	  (256u << 10)
#define PIECE_LARGE_PAGE  (2u << 20) /* no such page for who maps only a part of it */
#define PIECE_KERNEL_MOST (32u << 20)

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

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t length_behind(uint64_t size, off_t offset)
{
	return size > (uint64_t)offset ? size - (uint64_t)offset : 0;
}

/* What there is to copy, as far as it is known. */
static uint64_t find_length(struct job *job)
{
	const struct copy *copy = &job->copy;

	if (copy->direction == COPY_TO_FILE)
		return smaller(copy->length,
			       length_behind(job->copy.memory.ops->size(&job->copy.memory),
					     copy->memory_offset));
	if (job->file.kind == FILE_STREAM)
		return copy->length;
	return smaller(copy->length, length_behind(job->file.size, copy->file_offset));
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
	struct copy_memory *memory = &job->copy.memory;

	job->facts = (struct plan_facts){
		.file = job->file.kind,
		.kernel = memory->ops->kernel_may_copy(memory) ? KERNEL_UNTRIED : KERNEL_CAN_NOT,
		.direct = copy->direct,
		.small = job->length < SMALL,
		.scattered = !memory->ops->has_large_pages(memory),
		.reach = memory->ops->reach(memory),
	};
	job->facts.warm = may_be_direct(job) && !job->facts.small &&
			  copy->direction == COPY_TO_MEMORY && copy->direct == COPY_DIRECT_AUTO &&
			  copy_file_is_warm(&job->file, copy->file_offset, job->length);
}

/* Opening it for direct I/O may show that it has none, and then the plan is another one. */
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
 * What is to come altogether, if the end of it is known: that of a file whose
 * beginning came before. A whole file may be one of many that become one.
 */
static uint64_t find_room(const struct job *job)
{
	const uint64_t left = length_behind(job->file.size, job->copy.file_offset);

	if (job->copy.asked > job->copy.length)
		return smaller(job->copy.asked, left);
	return job->copy.file_offset && job->length == left ? left : 0;
}

static int begin_memory(struct job *job)
{
	struct copy_memory *memory = &job->copy.memory;
	int err;

	if (job->copy.direction == COPY_TO_FILE || job->file.kind == FILE_STREAM)
		return 0;
	err = memory->ops->begin(memory, job->copy.memory_offset, job->length, find_room(job));
	job->memory_begun = !err;
	return err;
}

/* What a kernel says that does not do it. */
static bool is_refusal(int error)
{
	return error == -EXDEV || error == -EOPNOTSUPP || error == -EINVAL || error == -ENOSYS ||
	       error == -EBUSY;
}

static enum plan_kernel kernel_that_is_busy(const struct job *job)
{
	return job->copy.busy == COPY_BUSY_FAIL ? KERNEL_REFUSES : KERNEL_BUSY;
}

/* Whether the kernel copies by itself is found out by the first piece. */
static void try_kernel(struct job *job)
{
	struct piece piece = job_claim(job);
	int error;
	ssize_t n = engine_kernel(job, piece, NULL, &error);

	if (n > 0 || !(error == 0 || is_refusal(error))) {
		job_settle(job, piece, n, error);
		return;
	}
	job->claimed = 0;
	job->running = 0;
	job->facts.kernel = error == -EBUSY ? kernel_that_is_busy(job) : KERNEL_CAN_NOT;
	decide(job);
	if (job->plan->engine == ENGINE_NONE) {
		job->end = 0;
		job->error = -EBUSY;
	}
}

/* What there is nothing to be copied of needs no memory, and no more questions. */
void job_prepare(struct job *job)
{
	const struct copy *copy = &job->copy;

	copy_file_init(&job->file, copy->file, copy->direction);
	job->end = job->length = find_length(job);
	if (job->length && job_is_cancelled(job))
		job->error = -EINTR;
	else if (job->length)
		job->error = begin_memory(job);
	if (job->error)
		job->end = 0;
	gather_facts(job);
	decide(job);
	if (job->end && job->plan->engine == ENGINE_KERNEL)
		try_kernel(job);
}

/* No disk is waited for. */
static bool is_from_memory(const struct job *job)
{
	return job->facts.warm || job->facts.file == FILE_IN_MEMORY;
}

/*
 * Pieces that may be under way. From memory to memory they are read by several
 * at a time but written by one, as files and dma-bufs have it: while one writes
 * another reads, and a third would only spin at the file's lock.
 */
static unsigned int most_at_once(const struct job *job)
{
	if (job->plan->engine == ENGINE_KERNEL || job->plan->engine == ENGINE_STREAM)
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
 * Large pieces are cheap, and small ones end soon when the copy is cancelled:
 * so they are what takes some hundredths of a second, several at a time.
 */
static size_t piece_size(const struct job *job)
{
	const bool kernel = job->plan->engine == ENGINE_KERNEL;
	const size_t most = kernel ? PIECE_KERNEL_MOST : PIECE_MOST;
	size_t size = job->plan->engine == ENGINE_DIRECT ? PIECE_LARGE_PAGE : PIECE_LEAST;
	double rate;

	if (!job->moved)
		return size > PIECE_FIRST ? size : PIECE_FIRST;
	rate = (double)job->moved / (seconds_since(&job->begun) + 1e-6);
	while (size < most && (double)size * 2 < rate / (kernel ? 8 : 32))
		size *= 2;
	return size;
}

/* Pieces end where their like would in the file, so that only the ends are odd. */
struct piece job_claim(struct job *job)
{
	const size_t size = piece_size(job);
	const uint64_t position = (uint64_t)job->copy.file_offset + job->claimed;
	struct piece piece = {
		.at = job->claimed,
		.size = (size_t)smaller(size - position % size, job->end - job->claimed),
	};

	job->claimed += piece.size;
	job->running++;
	return piece;
}

/* Where the next data is; at the end of the file, where that is. */
static off_t next_data(struct job *job, uint64_t at)
{
	struct copy_memory *memory = &job->copy.memory;
	const off_t position = job->copy.file_offset + (off_t)at;
	struct stat st;
	off_t data;

	if (job->copy.direction == COPY_TO_FILE)
		return memory->ops->seek(memory, job->copy.memory_offset + (off_t)at, SEEK_DATA) -
		       job->copy.memory_offset;
	data = lseek(job->copy.file, position, SEEK_DATA);
	if (data < 0 && errno == ENXIO && !fstat(job->copy.file, &st))
		data = st.st_size;
	return data - job->copy.file_offset;
}

/* A hole that the other end has already. */
static bool is_hole(struct job *job, struct piece piece)
{
	if (!job->copy.fresh || job->file.kind == FILE_STREAM)
		return false;
	return next_data(job, piece.at) >= (off_t)(piece.at + piece.size);
}

/* The rest of a piece that the kernel would not go on with; it may exceed the bounce memory. */
static ssize_t move_rest(struct job *job, struct piece piece, ssize_t moved, char *bounce,
			 int *error)
{
	if (*error == -EBUSY)
		job->found_busy = true;
	if (*error == -EBUSY && job->copy.busy == COPY_BUSY_FAIL)
		return moved;
	job->fell_back = true;
	*error = 0;
	while ((size_t)moved < piece.size && !*error) {
		size_t left = piece.size - (size_t)moved;
		struct piece part = {.at = piece.at + (uint64_t)moved,
				     .size = (size_t)smaller(left, PIECE_MOST)};
		ssize_t n = engine_calls(job, part, bounce, error);

		moved += n;
		if ((size_t)n < part.size)
			break;
	}
	return moved;
}

ssize_t job_move(struct job *job, struct piece piece, char *bounce, int *error)
{
	static engine *const engines[] = {
		[ENGINE_KERNEL] = engine_kernel, [ENGINE_DIRECT] = engine_in_place,
		[ENGINE_BOUNCE] = engine_bounce, [ENGINE_BUFFERED] = engine_in_place,
		[ENGINE_STREAM] = engine_stream,
	};
	const enum copy_engine which = job->plan->engine;
	ssize_t n;

	if (is_hole(job, piece)) {
		job->direct_bytes += job->plan->o_direct ? piece.size : 0;
		*error = 0;
		return (ssize_t)piece.size;
	}
	n = engines[which](job, piece, bounce, error);

	if (which == ENGINE_KERNEL && is_refusal(*error))
		n = move_rest(job, piece, n, bounce, error);
	return n;
}

void job_settle(struct job *job, struct piece piece, ssize_t moved, int error)
{
	uint64_t end = piece.at + (uint64_t)moved;

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

static void explain(const struct job *job, struct copy_report *report)
{
	struct plan_facts facts = job->facts;
	const struct plan_row *row;

	if (job->refused)
		facts.file = FILE_REFUSED;
	if (job->found_busy)
		facts.kernel = kernel_that_is_busy(job);
	row = plan_row(&facts);
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
	struct copy_memory *memory = &job->copy.memory;
	struct copy_report report;
	int err = 0;

	if (job->memory_begun)
		err = memory->ops->finish(memory, job->end, job->claimed);
	copy_file_finish(&job->file);
	if (err)
		job->error = err;
	report = make_report(job);
	if (err)
		report.bytes = 0;
	job->done(job->context, report.bytes ? (ssize_t)report.bytes : report.error, &report);
	pthread_mutex_destroy(&job->solid_lock);
	free(job);
}
