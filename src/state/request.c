// SPDX-License-Identifier: GPL-2.0-or-later
#include "state/request.h"

#include "util/compat.h"
#include "util/math.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- slots ------------------------------------------------------------------------------ */

#define HEAD_BYTES 4096

_Static_assert(sizeof(struct request) <= HEAD_BYTES, "a slot's start has one page");
_Static_assert(sizeof(struct parked_request) == 4096, "a parked request has one page");

size_t request_slot_bytes(size_t buffer_bytes)
{
	return HEAD_BYTES + page_round_up(buffer_bytes);
}

struct request *request_slot(const struct requests *requests, unsigned index)
{
	return (struct request *)(requests->slots +
				  index * request_slot_bytes(requests->buffer_bytes));
}

struct request *request_slot_use(const struct requests *requests, unsigned index)
{
	uint32_t used = *requests->used;

	while (used <= index && !atomic_compare_exchange_weak(requests->used, &used, index + 1))
		;
	return request_slot(requests, index);
}

void *request_buffer(struct request *request)
{
	return (char *)request + HEAD_BYTES;
}

static struct fuse_in_header *header_of(struct request *request)
{
	return request_buffer(request);
}

size_t request_size(struct request *request)
{
	return *(volatile uint32_t *)&header_of(request)->len;
}

void request_populate(struct request *request, size_t buffer_bytes)
{
	const size_t bytes = request_slot_bytes(buffer_bytes);
	volatile char *byte = (char *)request;

	if (!madvise(request, bytes, MADV_POPULATE_WRITE))
		return;
	/* No other process writes here. */
	for (size_t at = 0; at < bytes; at += page_size())
		byte[at] = byte[at];
}

void request_discard(const struct requests *requests, struct request *request)
{
	madvise(request_buffer(request), page_round_up(requests->buffer_bytes), MADV_REMOVE);
}

void request_clear(struct request *request)
{
	*(volatile uint32_t *)&header_of(request)->len = 0;
	atomic_store(&request->faults, 0);
	atomic_store(&request->replayed, false);
	atomic_store(&request->steps, 0);
	request->notes[0] = request->notes[1] = 0;
}

/* --- the current request ------------------------------------------------------------------ */

static _Thread_local struct {
	const struct requests *requests;
	struct request *request;
	_Atomic uint32_t *faults; /* see request_blame() */
} current;

void request_enter(const struct requests *requests, struct request *request)
{
	current.requests = requests;
	current.request = request;
}

void request_blame(_Atomic uint32_t *faults)
{
	current.faults = faults;
}

void request_note_fault(void)
{
	if (current.request)
		current.request->faults++;
	else if (current.faults)
		(*current.faults)++;
}

bool request_is_replay(void)
{
	return current.request && current.request->replayed;
}

uint64_t request_unique(void)
{
	return current.request ? header_of(current.request)->unique : 0;
}

void request_note(uint64_t first, uint64_t second)
{
	if (!current.request)
		return;
	current.request->notes[0] = first;
	current.request->notes[1] = second;
}

const uint64_t *request_notes(void)
{
	static const uint64_t none[2];

	return current.request ? current.request->notes : none;
}

void request_note_once(uint64_t first, uint64_t second)
{
	const uint64_t *notes = request_notes();

	if (!notes[0] && !notes[1])
		request_note(first, second);
}

int request_was_done(int error, int if_done)
{
	return error == if_done && request_is_replay() ? 0 : error;
}

struct parked_request *request_hold(void)
{
	struct parked_request *parked =
		current.request ? request_park(current.requests->parked, current.request) : NULL;

	if (parked)
		parked->was_served = true;
	return parked;
}

/* --- counters --------------------------------------------------------------------------- */

static _Atomic uint64_t *cell_at(const struct requests *requests, uint64_t offset)
{
	return (_Atomic uint64_t *)(requests->base + offset);
}

/* A process that dies between any two lines is found out by finish_step(). */
static void take_step(const struct requests *requests, struct request *request, uint64_t value,
		      uint32_t next_steps)
{
	request->value = value;
	request->next_steps = next_steps;
	atomic_signal_fence(memory_order_seq_cst);
	request->in_step = true;
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store(cell_at(requests, request->cell), value);
	atomic_store(&request->steps, next_steps);
	atomic_signal_fence(memory_order_seq_cst);
	request->in_step = false;
}

/* The lock of the counter was held at the kill, so no one else has changed it since. */
static void finish_step(const struct requests *requests, struct request *request)
{
	if (request->in_step && *cell_at(requests, request->cell) == request->value)
		request->steps = request->next_steps;
	request->in_step = false;
}

void request_count(_Atomic uint64_t *cell, int64_t delta)
{
	struct request *request = current.request;

	if (!request || !delta) {
		atomic_store(cell, *cell + (uint64_t)delta);
		return;
	}
	const uint32_t step = request->steps;

	request->cell = (uint64_t)((uintptr_t)cell - (uintptr_t)current.requests->base);
	if (step < REQUEST_STEPS) {
		request->done[step].cell = (uint32_t)(request->cell / sizeof(uint64_t));
		request->done[step].delta = (int32_t)delta;
	}
	take_step(current.requests, request, *cell + (uint64_t)delta, step + 1);
}

unsigned request_steps_left(void)
{
	const uint32_t steps = current.request ? current.request->steps : 0;

	return steps < REQUEST_STEPS ? REQUEST_STEPS - steps : 0;
}

unsigned request_steps(void)
{
	return current.request ? current.request->steps : 0;
}

/* A request that changed too many counters leaves some of them too high. */
static void undo(const struct requests *requests, struct request *request)
{
	if (request->steps > REQUEST_STEPS)
		request->steps = REQUEST_STEPS;
	while (request->steps) {
		const uint32_t step = request->steps - 1;

		request->cell = request->done[step].cell * sizeof(uint64_t);
		take_step(requests, request,
			  *cell_at(requests, request->cell) - (uint64_t)request->done[step].delta,
			  step);
	}
}

/* --- parking ---------------------------------------------------------------------------- */

void request_fetch(struct request *request, struct table *table, struct parked_request *parked)
{
	const struct fuse_in_header *header = (const void *)parked->bytes;
	struct fuse_in_header *buffer = request_buffer(request);
	const size_t length = offsetof(struct fuse_in_header, opcode);

	/* The length comes last: with it the slot has a request. */
	request->faults = parked->faults;
	request->replayed = parked->was_served;
	memcpy(&buffer->opcode, parked->bytes + length, parked->size - length);
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint32_t *)&buffer->len = header->len;
	table_remove(table, parked);
}

struct parked_request *request_park(struct table *table, struct request *request)
{
	const size_t size = request_size(request);
	struct parked_request *parked = size <= PARKED_BYTES ? table_add(table) : NULL;

	if (!parked)
		return NULL;
	parked->size = (uint32_t)size;
	parked->faults = request->faults;
	memcpy(parked->bytes, request_buffer(request), size);
	record_publish(parked);
	return parked;
}

static uint64_t unique_of(const void *request)
{
	return ((const struct fuse_in_header *)request)->unique;
}

void request_interrupt(const struct requests *requests, uint64_t unique)
{
	struct interrupts *interrupts = requests->interrupts;

	interrupts->uniques[interrupts->count++ % INTERRUPTS] = unique;
}

bool request_is_interrupted(const struct requests *requests, uint64_t unique)
{
	for (unsigned i = 0; i < INTERRUPTS; i++)
		if (requests->interrupts->uniques[i] == unique)
			return true;
	return false;
}

/* --- after a kill ------------------------------------------------------------------------- */

/*
 * The kernel takes an answer with the lowest bit set in its number for one to an interrupt.
 * It does nothing, or fails with ENOENT if there is no such request.
 */
#define INTERRUPT_BIT 1

static bool only_gives_back(uint32_t opcode)
{
	return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET;
}

bool request_is_open(int device, const void *request)
{
	const struct fuse_in_header *header = request;
	const struct fuse_out_header probe = {
		.len = sizeof(probe),
		.unique = header->unique | INTERRUPT_BIT,
	};

	if (only_gives_back(header->opcode))
		return true;
	/* An interrupt is not answered. INIT is served at the start of each process. */
	if (header->unique & INTERRUPT_BIT || header->opcode == FUSE_INIT)
		return false;
	return write(device, &probe, sizeof(probe)) == sizeof(probe);
}

static void recover_slot(const struct requests *requests, struct request *request, int device)
{
	const void *bytes = request_buffer(request);

	finish_step(requests, request);
	/* The process may have been killed while it cleared the slot. */
	if (!request_size(request) || !request_is_open(device, bytes)) {
		request_clear(request);
		return;
	}
	if (!only_gives_back(((const struct fuse_in_header *)bytes)->opcode))
		undo(requests, request);
	request->replayed = true;
}

static struct request *find_slot(const struct requests *requests, uint64_t unique)
{
	for (unsigned i = 0; i < *requests->used; i++) {
		struct request *request = request_slot(requests, i);

		if (request_size(request) && unique_of(request_buffer(request)) == unique)
			return request;
	}
	return NULL;
}

/* The slot and the parked copy have the same request: then the slot goes on. */
static void recover_parked(const struct requests *requests, struct parked_request *parked,
			   int device)
{
	struct request *slot = find_slot(requests, unique_of(parked->bytes));

	if (slot)
		slot->faults = (uint32_t)max_u64(slot->faults, parked->faults);
	if (slot || !request_is_open(device, parked->bytes))
		table_remove(requests->parked, parked);
}

void requests_recover(const struct requests *requests, int device)
{
	struct parked_request *parked = NULL;

	for (unsigned i = 0; i < *requests->used; i++)
		recover_slot(requests, request_slot(requests, i), device);
	while ((parked = table_next(requests->parked, parked)))
		recover_parked(requests, parked, device);
}
