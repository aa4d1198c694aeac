/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests that the process is working on, in shared memory, so that the next process
 * can go on with them after a kill.
 *
 * Each thread that reads requests has a slot, with a buffer that holds one request until it
 * is answered. A request that waits, or that another thread will answer, is parked: a copy
 * of it is in a table. The next process asks the kernel which of these requests are not
 * answered, and serves them again: a replay.
 *
 * A replay must not do twice what cannot be done twice. Counters are changed with
 * request_count(), and all changes of a request that is replayed are undone first. A name
 * that the replay finds created or removed is its own work, see request_was_done().
 */
#ifndef STATE_REQUEST_H
#define STATE_REQUEST_H

#include "state/table.h"

#include <stdatomic.h>
#include <sys/types.h>

/* The most counters that one request may change, and undo. */
#define REQUEST_STEPS 448

/* The start of a slot, in shared memory. */
struct request {
	_Atomic uint32_t faults; /* how often serving this request crashed the process */
	_Atomic bool replayed;

	/* Changed counters, as offsets in the shared memory. */
	bool in_step;	      /* one is being changed … */
	uint64_t cell, value; /* … to this value … */
	uint32_t next_steps;  /* … after which so many are changed */
	_Atomic uint32_t steps;
	struct {
		uint32_t cell; /* in units of 8 bytes */
		int32_t delta;
	} done[REQUEST_STEPS];

	uint64_t notes[2]; /* see request_note() */
};

/* A request without a slot. One that is larger than this is not parked. */
#define PARKED_BYTES 4072

struct parked_request {
	struct record record;
	uint32_t size;
	_Atomic uint32_t faults;	      /* as those of a slot */
	bool was_served;		      /* so the next process makes a replay of it */
	_Alignas(8) char bytes[PARKED_BYTES]; /* starts with a struct fuse_in_header */
};

/*
 * The requests whose callers got a signal, the last ones of them: the kernel says that only
 * once, and numbers of requests are not used again.
 */
#define INTERRUPTS 256

struct interrupts {
	_Atomic uint32_t count;
	_Atomic uint64_t uniques[INTERRUPTS];
};

struct requests {
	char *slots;
	unsigned count;
	_Atomic uint32_t *used; /* shared: slots from this index on have no memory yet */
	size_t buffer_bytes;
	struct table *parked;
	struct interrupts *interrupts;
	char *base; /* of the shared memory */
};

/* The bytes of a slot whose buffer has @buffer_bytes. */
size_t request_slot_bytes(size_t buffer_bytes);

struct request *request_slot(const struct requests *requests, unsigned index);

/* Takes the slot into use, for this process and later ones. */
struct request *request_slot_use(const struct requests *requests, unsigned index);

/* The buffer of a slot. It starts with a struct fuse_in_header. */
void *request_buffer(struct request *request);

/* Returns the size of the request in a slot; 0: there is none. */
size_t request_size(struct request *request);

/*
 * Allocates the pages of the slot for this process, for requests of up to @bytes: a process
 * that is killed while the kernel copies a request to a page that is not present fails the
 * request with EIO.
 */
void request_populate(struct request *request, size_t bytes);

/* Gives the memory of an empty slot's buffer back. */
void request_discard(const struct requests *requests, struct request *request);

/* Empties the slot: its request is answered. */
void request_clear(struct request *request);

/* --- the request that this thread serves ---------------------------------------------- */

/* @request is served from here on; NULL: none. */
void request_enter(const struct requests *requests, struct request *request);

/*
 * Without a request, crashes of this thread count in @faults from here on: those of a parked
 * request. NULL: nowhere.
 */
void request_blame(_Atomic uint32_t *faults);

/* Counts a crash of the thread that calls it. For signal handlers. */
void request_note_fault(void);

bool request_is_replay(void);

/* 0 if no request is being served. */
uint64_t request_unique(void);

/*
 * Adds @delta to a counter in shared memory, once, even if the process is killed here. The
 * caller holds the lock that guards the counter.
 */
void request_count(_Atomic uint64_t *cell, int64_t delta);

/* Returns the number of counters that the request may still change. */
unsigned request_steps_left(void);

/*
 * The number of counters that the request has changed so far. For requests that are not
 * undone (FORGET), those of earlier processes are included.
 */
unsigned request_steps(void);

/*
 * Remembers two numbers, not both 0, for a replay. request_note_once() keeps those that an
 * earlier process has noted: it may have been killed before it did, and so may the next one.
 */
void request_note(uint64_t first, uint64_t second);
void request_note_once(uint64_t first, uint64_t second);

/* Returns the noted numbers, or zeroes. */
const uint64_t *request_notes(void);

/*
 * Returns 0 for an @error that shows that the request was carried out before, by a process
 * that was killed before it answered. Else returns @error.
 */
int request_was_done(int error, int if_done);

/*
 * Parks a copy of the current request, which another thread will answer. It is to be
 * removed from the table after the answer. NULL: it was not parked.
 */
struct parked_request *request_hold(void);

/* --- parking --------------------------------------------------------------------------- */

/* NULL: the request is too large, or there are too many. */
struct parked_request *request_park(struct table *parked, struct request *request);

/* Moves a parked request to an empty slot. */
void request_fetch(struct request *request, struct table *table, struct parked_request *parked);

/* The caller of the request with the number @unique got a signal. */
void request_interrupt(const struct requests *requests, uint64_t unique);
bool request_is_interrupted(const struct requests *requests, uint64_t unique);

/* --- after a kill ----------------------------------------------------------------------- */

/* Returns whether the kernel still waits for the answer to a request. */
bool request_is_open(int device, const void *request);

/*
 * Clears the slots and parked requests that are answered. The rest become replays: their
 * counters are undone, unless they only give back (FORGET).
 */
void requests_recover(const struct requests *requests, int device);

#endif
