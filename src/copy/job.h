/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy under way. For the files of src/copy alone.
 *
 * A job is prepared by one thread, then cut into pieces that several threads
 * move, then ended by one thread. Pieces are given out in order. One that
 * comes out short ends the copy there: none behind it is begun, and what those
 * under way still bring does not count.
 */
#ifndef COPY_JOB_H
#define COPY_JOB_H

#include "copy/copy.h"
#include "copy/file.h"
#include "copy/plan.h"

#include <pthread.h>
#include <time.h>

/* The largest piece, and the size of the bounce memory that each thread has. */
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
	const _Atomic bool *stopping; /* the whole pool is */

	/* Set by job_prepare(). */
	struct copy_file file;
	struct plan_facts facts;
	const struct plan_row *plan;
	bool memory_begun;
	uint64_t length;

	/* Any thread that moves a piece. */
	_Atomic uint64_t direct_bytes;
	_Atomic bool refused;	 /* the file, direct I/O, although it could be opened so */
	_Atomic bool fell_back;	 /* the kernel stopped copying by itself on the way … */
	_Atomic bool found_busy; /* … because a device came to use the memory */

	/* Where the memory has no hole, as far as anybody has looked. */
	pthread_mutex_t solid_lock; /* a leaf */
	off_t solid_begin, solid_end;

	/* The pool's lock. */
	struct job *next;
	bool queued;
	bool prepared;
	unsigned int running; /* pieces under way */
	unsigned int late;    /* threads that have been at it for too long */
	uint64_t claimed;     /* pieces before this have been given out */
	uint64_t end;	      /* none behind this are worth anything */
	uint64_t moved;	      /* bytes, with gaps; what progress is told */
	int error;	      /* of the piece that ends at @end */
};

struct job *job_create(const struct copy *copy, copy_done *done, void *context);

/* Takes the memory and decides on the way. What goes wrong is in job->error. */
void job_prepare(struct job *job);

/*
 * Whether there is a piece to begin now; a cancelled copy has none, and one with
 * late threads waits for them.
 */
bool job_can_claim(struct job *job);
struct piece job_claim(struct job *job);

/* Bytes from the piece's start on, and in @error why there are no more; @bounce has PIECE_MOST. */
ssize_t job_move(struct job *job, struct piece piece, char *bounce, int *error);
void job_settle(struct job *job, struct piece piece, ssize_t moved, int error);

/* Nothing is under way, and nothing will be. */
bool job_is_over(const struct job *job);

/* Settles the memory, tells whom it concerns, frees the job. */
void job_end(struct job *job);

bool job_is_cancelled(const struct job *job);

/*
 * Engines. Each returns bytes moved from the start of the piece on, and where
 * they are fewer than the piece, in @error 0 for the end of the source, or why.
 */
typedef ssize_t engine(struct job *job, struct piece piece, char *bounce, int *error);

engine engine_in_place; /* ENGINE_DIRECT and ENGINE_BUFFERED */
engine engine_bounce;
engine engine_kernel;
engine engine_stream;

/* By read and write calls of both ends; what the others turn to where a map fails them. */
engine engine_calls;

/*
 * File I/O between @bytes and the file's position for @at: direct wherever that
 * is possible for the file, the position and the address, else buffered.
 */
ssize_t job_transfer(struct job *job, char *bytes, uint64_t at, size_t size, int *error);

#endif
