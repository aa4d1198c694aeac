// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables and requests that outlive a process: a child that uses them is killed at random
 * moments, and the parent goes on with what it has left.
 */
#include "state/request.h"
#include "state/table.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILLS = 300, RECORDS = 64, SLOTS = 2, BUFFER_BYTES = 4096, COUNTS = 5 };

struct item {
	struct record record;
	uint64_t value, copy; /* the same in a live record */
};

/* All of the shared memory. */
static struct shared {
	_Atomic uint32_t items_used, parked_used, slots_used;
	_Atomic uint64_t counter;
	struct interrupts interrupts;
	_Atomic bool started;
	struct item items[RECORDS];
	struct parked_request parked[RECORDS];
	_Alignas(4096) char slots[SLOTS * (4096 + BUFFER_BYTES)];
} * shared;

static struct table items, parked;
static struct requests requests;
static int nobody; /* takes every write: all requests are unanswered */

static void attach(void)
{
	table_attach(&items, shared->items, sizeof(struct item), RECORDS, &shared->items_used);
	table_attach(&parked, shared->parked, sizeof(struct parked_request), RECORDS,
		     &shared->parked_used);
	requests = (struct requests){
		.slots = shared->slots,
		.count = SLOTS,
		.used = &shared->slots_used,
		.buffer_bytes = BUFFER_BYTES,
		.parked = &parked,
		.interrupts = &shared->interrupts,
		.base = (char *)shared,
	};
}

static void setup(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	nobody = open("/dev/null", O_WRONLY);
	attach();
	request_slot_use(&requests, SLOTS - 1);
}

static void teardown(void)
{
	munmap(shared, sizeof(*shared));
	close(nobody);
}

/* Runs @work in a child, for ever, and kills it. */
static void kill_during(void (*work)(void))
{
	int status;

	shared->started = false;
	const pid_t child = fork();

	if (!child) {
		shared->started = true;
		for (;;)
			work();
	}
	while (!shared->started)
		;
	usleep((useconds_t)rand() % 2000);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	attach();
}

static struct item *add_item(uint64_t value)
{
	struct item *item = table_add(&items);

	if (item) {
		item->value = item->copy = value;
		record_publish(item);
	}
	return item;
}

START_TEST(records_are_free_or_live)
{
	struct item *a = add_item(1), *b = add_item(2), *unpublished = table_add(&items);

	ck_assert_uint_eq(table_count(&items), 2);
	ck_assert_ptr_eq(table_next(&items, a), b);
	table_remove(&items, a);
	ck_assert_ptr_eq(table_next(&items, NULL), b);
	/* The next process has the memory of records that were not published, too. */
	attach();
	ck_assert_ptr_eq(table_add(&items), a);
	ck_assert_ptr_eq(table_add(&items), unpublished);
}
END_TEST

START_TEST(a_full_table_gives_nothing)
{
	for (int i = 0; i < RECORDS; i++)
		ck_assert_ptr_nonnull(add_item(1));
	ck_assert_ptr_null(table_add(&items));
	ck_assert_ptr_null(table_add(NULL));
}
END_TEST

static void use_items(void)
{
	struct item *mine[8];

	for (unsigned i = 0; i < 8; i++)
		mine[i] = add_item((uint64_t)rand());
	for (unsigned i = 0; i < 8; i++)
		table_remove(&items, mine[i]);
}

START_TEST(a_kill_leaves_no_half_record)
{
	for (int i = 0; i < KILLS; i++) {
		struct item *item = NULL;

		kill_during(use_items);
		while ((item = table_next(&items, item)))
			ck_assert_uint_eq(item->value, item->copy);
		while ((item = table_next(&items, NULL)))
			table_remove(&items, item);
	}
	ck_assert_uint_le(shared->items_used, 9);
}
END_TEST

static void receive(struct request *request, uint32_t opcode, uint64_t unique)
{
	struct fuse_in_header *header = request_buffer(request);

	*header = (struct fuse_in_header){.opcode = opcode, .unique = unique};
	header->len = sizeof(*header);
}

/* One request that counts several times. */
static void serve(void)
{
	struct request *request = request_slot(&requests, 0);

	receive(request, FUSE_LOOKUP, 2);
	request_enter(&requests, request);
	for (int i = 0; i < COUNTS; i++)
		request_count(&shared->counter, 1);
	request_enter(NULL, NULL);
	request_clear(request);
}

START_TEST(what_an_unanswered_request_counted_is_undone)
{
	for (int i = 0; i < KILLS; i++) {
		struct request *request = request_slot(&requests, 0);

		kill_during(serve);
		requests_recover(&requests, nobody);
		ck_assert_uint_eq(shared->counter % COUNTS, 0);
		ck_assert_uint_eq(request->steps, 0);
		request_clear(request);
	}
	ck_assert_uint_gt(shared->counter, 0);
}
END_TEST

/* FORGET is not undone: the replay goes on behind what was counted. */
START_TEST(what_a_request_gave_back_stays)
{
	struct request *request = request_slot(&requests, 0);

	receive(request, FUSE_FORGET, 2);
	request_enter(&requests, request);
	request_count(&shared->counter, -1);
	request_enter(NULL, NULL);
	requests_recover(&requests, nobody);
	ck_assert_uint_eq(shared->counter, UINT64_MAX);
	ck_assert_uint_eq(request->steps, 1);
	ck_assert(request->replayed);
}
END_TEST

START_TEST(only_a_replay_finds_its_own_work)
{
	struct request *request = request_slot(&requests, 0);

	receive(request, FUSE_MKDIR, 2);
	request_enter(&requests, request);
	ck_assert_int_eq(request_was_done(-EEXIST, -EEXIST), -EEXIST);
	request_note_once(7, 8);
	request_enter(NULL, NULL);
	requests_recover(&requests, nobody);
	request_enter(&requests, request);
	ck_assert_int_eq(request_was_done(-EEXIST, -EEXIST), 0);
	ck_assert_int_eq(request_was_done(-EACCES, -EEXIST), -EACCES);
	request_note_once(9, 9);
	ck_assert_uint_eq(request_notes()[0], 7);
	ck_assert_uint_eq(request_notes()[1], 8);
	request_enter(NULL, NULL);
	request_clear(request);
	ck_assert(!request->replayed);
}
END_TEST

/* The process before it was killed before it noted anything. */
START_TEST(a_replay_notes_what_was_not_noted)
{
	struct request *request = request_slot(&requests, 0);

	receive(request, FUSE_UNLINK, 2);
	requests_recover(&requests, nobody);
	request_enter(&requests, request);
	request_note_once(7, 8);
	request_enter(NULL, NULL);
	requests_recover(&requests, nobody);
	request_enter(&requests, request);
	ck_assert_uint_eq(request_notes()[1], 8);
	request_enter(NULL, NULL);
	request_clear(request);
	request_enter(&requests, request);
	ck_assert_uint_eq(request_notes()[1], 0);
	request_enter(NULL, NULL);
}
END_TEST

/* The kernel knows neither: this device fails every write. */
START_TEST(answered_requests_are_cleared)
{
	const int answered = open("/dev/null", O_RDONLY);

	receive(request_slot(&requests, 0), FUSE_MKDIR, 2);
	receive(request_slot(&requests, 1), FUSE_MKDIR, 4);
	ck_assert_ptr_nonnull(request_park(&parked, request_slot(&requests, 1)));
	requests_recover(&requests, answered);
	ck_assert_uint_eq(request_size(request_slot(&requests, 0)), 0);
	ck_assert_uint_eq(table_count(&parked), 0);
	close(answered);
}
END_TEST

/* The process was killed while it moved a parked request to a slot. */
START_TEST(a_request_in_a_slot_and_parked_is_served_once)
{
	struct request *request = request_slot(&requests, 1);

	receive(request, FUSE_OPEN, 6);
	request_park(&parked, request);
	requests_recover(&requests, nobody);
	ck_assert_uint_eq(table_count(&parked), 0);
	ck_assert_uint_gt(request_size(request), 0);
}
END_TEST

/* Another thread works on it, and crashes. */
START_TEST(crashes_count_for_a_parked_request)
{
	struct request *request = request_slot(&requests, 1);

	receive(request, FUSE_COPY_FILE_RANGE, 8);
	request->faults = 1;
	struct parked_request *held = request_park(&parked, request);

	request_blame(&held->faults);
	request_note_fault();
	request_blame(NULL);
	request_note_fault();
	ck_assert_uint_eq(held->faults, 2);
	/* It was killed before the slot was cleared, or after that. */
	requests_recover(&requests, nobody);
	ck_assert_uint_eq(request->faults, 2);
	held = request_park(&parked, request);
	request_clear(request);
	request_fetch(request, &parked, held);
	ck_assert_uint_eq(request->faults, 2);
	ck_assert(!request->replayed);
}
END_TEST

START_TEST(a_held_request_becomes_a_replay)
{
	struct request *request = request_slot(&requests, 1);

	receive(request, FUSE_COPY_FILE_RANGE, 10);
	request_enter(&requests, request);
	struct parked_request *held = request_hold();

	request_enter(NULL, NULL);
	request_clear(request);
	requests_recover(&requests, nobody);
	request_fetch(request, &parked, held);
	ck_assert(request->replayed);
}
END_TEST

START_TEST(interrupts_are_remembered)
{
	for (uint64_t unique = 2; unique <= 2 * INTERRUPTS; unique += 2)
		request_interrupt(&requests, unique);
	ck_assert(request_is_interrupted(&requests, 2 * INTERRUPTS));
	ck_assert(request_is_interrupted(&requests, 2));
	ck_assert(!request_is_interrupted(&requests, 2 * INTERRUPTS + 2));
	request_interrupt(&requests, 2 * INTERRUPTS + 2);
	ck_assert(!request_is_interrupted(&requests, 2));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state");
	TCase *tests = tcase_create("state");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, records_are_free_or_live);
	tcase_add_test(tests, a_full_table_gives_nothing);
	tcase_add_test(tests, a_kill_leaves_no_half_record);
	tcase_add_test(tests, what_an_unanswered_request_counted_is_undone);
	tcase_add_test(tests, what_a_request_gave_back_stays);
	tcase_add_test(tests, only_a_replay_finds_its_own_work);
	tcase_add_test(tests, a_replay_notes_what_was_not_noted);
	tcase_add_test(tests, answered_requests_are_cleared);
	tcase_add_test(tests, a_request_in_a_slot_and_parked_is_served_once);
	tcase_add_test(tests, crashes_count_for_a_parked_request);
	tcase_add_test(tests, a_held_request_becomes_a_replay);
	tcase_add_test(tests, interrupts_are_remembered);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
