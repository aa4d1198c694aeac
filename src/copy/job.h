/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy in progress. For the files of src/copy only.
 *
 * One thread prepares a job, several threads move its pieces, and one thread ends
 * it. Pieces are claimed in order. A piece that comes out short ends the copy
 * there: no piece behind it is started, and bytes of those in progress do not
 * count.
 */
#ifndef COPY_JOB_H
#define COPY_JOB_H

#include "copy/copy.h"
#include "copy/file.h"
#include "copy/plan.h"

#include <pthread.h>
#include <time.h>

/* The largest piece, and the size of each thread's bounce buffer. */
#define PIECE_MOST (4u << 20)

struct piece {
	uint64_t at; /* from the start of the copy */
	size_t size;
};

struct job {
	struct copy copy;
	copy_done *done;
	void *context;
	struct timespec begun;
	const _Atomic bool *stopping; /* the pool's */

	/* Set by job_prepare(). */
	struct copy_file file;
	struct plan_facts facts;
	const struct plan_row *plan;
	struct buffer_fill fill;
	bool fill_begun;
	uint64_t length;

	/* Set by any thread that moves a piece. */
	_Atomic uint64_t direct_bytes;
	_Atomic bool refused;	/* direct I/O failed, though the file could be opened for it */
	_Atomic bool fell_back; /* the kernel refused to copy the rest */

	/* A range of the memory that is known to have no hole. */
	pthread_mutex_t solid_lock; /* a leaf */
	off_t solid_begin, solid_end;

	/* Guarded by the pool's lock. */
	struct job *next;
	bool queued;
	bool prepared;
	unsigned int running; /* pieces in progress */
	unsigned int late;    /* threads that are overdue */
	uint64_t claimed;     /* the end of the pieces claimed so far */
	uint64_t end;	      /* the end of the copy, as far as it is known */
	uint64_t moved;	      /* bytes, with gaps, for copy.progress */
	int error;	      /* of the piece that ends at @end */
};

struct job *job_create(const struct copy *copy, copy_done *done, void *context);

/* Makes room in the memory and chooses the engine. Errors are in job->error. */
void job_prepare(struct job *job);

/*
 * There is a piece to start now. A cancelled copy has none, and a copy with overdue
 * threads waits for them.
 */
bool job_can_claim(struct job *job);
struct piece job_claim(struct job *job);

/* Moves a piece as an engine does, by the engine that was chosen. @bounce has PIECE_MOST. */
ssize_t job_move(struct job *job, struct piece piece, char *bounce, int *error);
void job_settle(struct job *job, struct piece piece, ssize_t moved, int error);

/* No piece is in progress, and none is left. */
bool job_is_over(const struct job *job);

/* Sets the resulting size, calls copy_done, frees the job. */
void job_end(struct job *job);

bool job_is_cancelled(const struct job *job);

/*
 * An engine returns the bytes moved from the start of the piece. If they are fewer
 * than the piece, @error is 0 at the end of the source, or the reason.
 */
typedef ssize_t engine(struct job *job, struct piece piece, char *bounce, int *error);

engine engine_cfr;
engine engine_direct; /* ENGINE_DIRECT and ENGINE_BUFFERED */
engine engine_bounce;
engine engine_stream;

/* Read and write calls at both ends: the fallback of the others if a map fails. */
engine engine_calls;

/*
 * File I/O between @bytes and the file's position for @at. It is direct if the file,
 * the position and the address allow it, else buffered.
 */
ssize_t job_transfer(struct job *job, char *bytes, uint64_t at, size_t size, int *error);

#endif
