// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/admission.h"

#include "util/compat.h"
#include "util/math.h"

#include <linux/fuse.h>
#include <stdlib.h>

/*
 * Requests in progress of one user, and those of them with much work. Where there are few
 * threads a user gets a part of them.
 */
enum { REQUESTS_PER_USER = 16, HEAVY_PER_USER = 4 };
enum { PART_OF_ROOT = 2, PART_OF_OTHERS = 4 };

/* Of the kernel itself, for nobody: closed files, forgotten inodes. */
#define KERNEL ((uid_t)-1)

struct deferred {
	struct deferred *next;
	struct parked_request *parked;
};

/* --- kinds of requests ---------------------------------------------------------------- */

static bool is_heavy(uint32_t opcode)
{
	return opcode == FUSE_FALLOCATE || opcode == FUSE_COPY_FILE_RANGE ||
	       opcode == COMPAT_COPY_FILE_RANGE_64;
}

static uid_t user_of(const struct fuse_in_header *header)
{
	switch (header->opcode) {
	case FUSE_INIT:
	case FUSE_DESTROY:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		return KERNEL;
	default:
		return header->uid;
	}
}

static struct turn turn_of(const void *request)
{
	const struct fuse_in_header *header = request;

	return (struct turn){true, is_heavy(header->opcode), user_of(header)};
}

/* --- limits ----------------------------------------------------------------------------- */

static unsigned limit_of(const struct admission *admission, uid_t user)
{
	const unsigned part = admission->threads / (user ? PART_OF_OTHERS : PART_OF_ROOT);

	/* Closing a file may hang as well, if its source does. */
	if (user == KERNEL || user == 0)
		return part;
	return (unsigned)min_u64(REQUESTS_PER_USER, part);
}

static bool may_start(const struct admission *admission, const struct turn *turn)
{
	unsigned count = 0, heavy = 0;

	for (size_t i = 0; i < ADMISSION_THREADS; i++) {
		const struct turn *other = &admission->turns[i];
		const bool same = other->taken && other->user == turn->user;

		count += same;
		heavy += same && other->heavy;
	}
	return count < limit_of(admission, turn->user) && (!turn->heavy || heavy < HEAVY_PER_USER);
}

/* --- the queue -------------------------------------------------------------------------- */

static bool append(struct admission *admission, struct parked_request *parked)
{
	struct deferred *deferred = parked ? malloc(sizeof(*deferred)) : NULL;

	if (!deferred)
		return false;
	*deferred = (struct deferred){.parked = parked};
	*admission->last = deferred;
	admission->last = &deferred->next;
	return true;
}

static bool defer(struct admission *admission, struct request *request)
{
	struct parked_request *parked = request_park(admission->parked, request);

	if (append(admission, parked))
		return true;
	table_remove(admission->parked, parked);
	return false;
}

/*
 * Returns the place in the queue of the first request that may start. A user may have
 * thousands there, and all of a kind get the same answer.
 */
static struct deferred **find(struct admission *admission)
{
	uid_t refused[2] = {KERNEL, KERNEL}; /* the last user, not heavy and heavy */
	struct deferred **at = &admission->first;

	for (; *at; at = &(*at)->next) {
		const struct turn turn = turn_of((*at)->parked->bytes);

		if (turn.user != KERNEL && turn.user == refused[turn.heavy])
			continue;
		if (may_start(admission, &turn))
			break;
		refused[turn.heavy] = turn.user;
	}
	return at;
}

static struct deferred *take(struct admission *admission)
{
	struct deferred **at = find(admission);
	struct deferred *found = *at;

	if (!found)
		return NULL;
	*at = found->next;
	if (!found->next)
		admission->last = at;
	return found;
}

/* --- the calls -------------------------------------------------------------------------- */

void admission_init(struct admission *admission, unsigned threads, struct table *parked)
{
	struct parked_request *waits = NULL;

	*admission = (struct admission){.threads = threads, .parked = parked};
	admission->last = &admission->first;
	while ((waits = table_next(parked, waits)))
		append(admission, waits);
}

void admission_finish(struct admission *admission)
{
	while (admission->first) {
		struct deferred *next = admission->first->next;

		free(admission->first);
		admission->first = next;
	}
}

bool admission_enter(struct admission *admission, unsigned thread, struct request *request)
{
	const struct turn turn = turn_of(request_buffer(request));

	if (!may_start(admission, &turn) && defer(admission, request))
		return false;
	admission->turns[thread] = turn;
	return true;
}

void admission_go_on(struct admission *admission, unsigned thread, struct request *request)
{
	admission->turns[thread] = turn_of(request_buffer(request));
}

void admission_leave(struct admission *admission, unsigned thread)
{
	admission->turns[thread].taken = false;
}

bool admission_next(struct admission *admission, unsigned thread, struct request *request)
{
	struct deferred *next = take(admission);

	if (!next)
		return false;
	admission->turns[thread] = turn_of(next->parked->bytes);
	request_fetch(request, admission->parked, next->parked);
	free(next);
	return true;
}
