// SPDX-License-Identifier: GPL-2.0-or-later
/* Validity of tickets, their users, and the tickets that make room for others. */
#include "fake_heap.h"
#include "fdpass/clients.h"
#include "fdpass/ticket.h"

#include <sys/socket.h>

static struct tickets tickets;
static int dropped;
static uint64_t last_dropped;

static void drop(void *context, struct grant *grant)
{
	ck_assert_ptr_eq(context, &dropped);
	dropped++;
	last_dropped = grant->handle;
}

static void setup(void)
{
	memset(&tickets, 0, sizeof(tickets));
	tickets.drop = drop;
	tickets.context = &dropped;
	dropped = 0;
	last_dropped = 0;
}

struct name {
	unsigned char bytes[FDPASS_TICKET_BYTES];
};

static struct name issue(uid_t user, uint64_t handle)
{
	const struct grant grant = {.user = user, .handle = handle, .fd = -1};
	struct name name;

	ck_assert_int_eq(tickets_issue(&tickets, &grant, name.bytes), 0);
	return name;
}

static int redeem(const struct name *name, uid_t user, uint64_t *handle)
{
	struct grant grant = {.handle = 0};
	int error = tickets_redeem(&tickets, name->bytes, user, &grant);

	*handle = grant.handle;
	return error;
}

static void assert_good(const struct name *name, uid_t user, uint64_t handle)
{
	uint64_t got;

	ck_assert_int_eq(redeem(name, user, &got), 0);
	ck_assert_uint_eq(got, handle);
}

static void assert_stale(const struct name *name, uid_t user)
{
	uint64_t got;

	ck_assert_int_eq(redeem(name, user, &got), -ESTALE);
}

START_TEST(a_ticket_is_good_once)
{
	struct name name = issue(7, 1);

	assert_good(&name, 7, 1);
	assert_stale(&name, 7);
	ck_assert_int_eq(dropped, 0);
	ck_assert_uint_eq(tickets.count, 0);
}
END_TEST

START_TEST(no_two_are_the_same)
{
	struct name a = issue(7, 1), b = issue(7, 1);

	ck_assert_int_ne(memcmp(&a, &b, sizeof(a)), 0);
}
END_TEST

START_TEST(every_bit_counts)
{
	struct name name = issue(7, 1);

	for (size_t bit = 0; bit < sizeof(name) * 8; bit++) {
		name.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_stale(&name, 7);
		name.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	assert_good(&name, 7, 1);
}
END_TEST

START_TEST(it_belongs_to_one_caller)
{
	struct name name = issue(7, 1);

	assert_stale(&name, 8);
	assert_stale(&name, 0);
	assert_good(&name, 7, 1);
}
END_TEST

/* A place that is free has no name that anybody could guess. */
START_TEST(zeroes_are_no_ticket)
{
	const struct name zeroes = {{0}};
	struct name name = issue(0, 1);

	assert_stale(&zeroes, 0);
	assert_good(&name, 0, 1);
	assert_stale(&zeroes, 0);
}
END_TEST

static void age(const struct name *name, int64_t ms)
{
	for (int i = 0; i < TICKETS; i++)
		if (!memcmp(tickets.slots[i].bytes, name->bytes, sizeof(name->bytes)))
			tickets.slots[i].until -= ms;
}

START_TEST(late_ones_are_dropped)
{
	struct name late = issue(7, 1), good = issue(7, 2);

	ck_assert_int_gt(tickets_expire(&tickets), FDPASS_TICKET_SECONDS * 1000 - 1000);
	age(&late, FDPASS_TICKET_SECONDS * 1000);
	assert_stale(&late, 7);
	ck_assert_int_eq(dropped, 1);
	ck_assert_uint_eq(last_dropped, 1);
	age(&good, FDPASS_TICKET_SECONDS * 1000 - 500);
	ck_assert_int_le(tickets_expire(&tickets), 500);
	assert_good(&good, 7, 2);
	ck_assert_int_eq(tickets_expire(&tickets), -1);
}
END_TEST

START_TEST(a_closed_file_takes_its_own_along)
{
	struct name a = issue(7, 1), b = issue(7, 2), c = issue(7, 1);

	tickets_revoke(&tickets, 1);
	ck_assert_int_eq(dropped, 2);
	assert_stale(&a, 7);
	assert_stale(&c, 7);
	assert_good(&b, 7, 2);
	tickets_revoke(&tickets, 2);
	ck_assert_int_eq(dropped, 2);
}
END_TEST

START_TEST(one_users_flood_is_his_own_loss)
{
	struct name other = issue(8, 1), first = issue(7, 2), last = first;

	for (int i = 0; i < 10 * TICKETS; i++)
		last = issue(7, 3);
	ck_assert_uint_eq(tickets.count, TICKETS_PER_USER + 1);
	assert_stale(&first, 7);
	assert_good(&other, 8, 1);
	assert_good(&last, 7, 3);
	ck_assert_int_eq(dropped, 10 * TICKETS + 1 - TICKETS_PER_USER);
}
END_TEST

START_TEST(many_users_lose_the_oldest)
{
	struct name first = issue(1, 1), second = issue(2, 2);

	age(&first, 100);
	age(&second, 50);
	for (int i = 2; i < TICKETS; i++)
		issue(100 + (uid_t)i, 3);
	ck_assert_int_eq(dropped, 0);
	issue(5, 4);
	ck_assert_int_eq(dropped, 1);
	ck_assert_uint_eq(last_dropped, 1);
	assert_stale(&first, 1);
	assert_good(&second, 2, 2);
}
END_TEST

START_TEST(all_go_in_the_end)
{
	issue(1, 1);
	issue(2, 2);
	tickets_finish(&tickets);
	ck_assert_int_eq(dropped, 2);
	ck_assert_uint_eq(tickets.count, 0);
}
END_TEST

/* --- clients ---------------------------------------------------------------------- */

/* Returns the other end. Closes an evicted connection. */
static int visit(struct clients *clients)
{
	struct client evicted;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	if (clients_add(clients, ends[0], &evicted))
		close(evicted.socket);
	return ends[1];
}

static void close_all(struct clients *clients)
{
	while (clients->count)
		close(clients_take(clients, 0).socket);
}

static bool is_hung_up(int end)
{
	char byte;

	return recv(end, &byte, 1, 0) == 0;
}

START_TEST(one_users_crowd_loses_its_oldest)
{
	struct clients clients = {.count = 0};
	int ends[CLIENTS_PER_USER + 2];

	for (int i = 0; i < CLIENTS_PER_USER + 2; i++)
		ends[i] = visit(&clients);
	ck_assert_uint_eq(clients.count, CLIENTS_PER_USER);
	for (int i = 0; i < CLIENTS_PER_USER + 2; i++) {
		ck_assert_int_eq(is_hung_up(ends[i]), i < 2);
		close(ends[i]);
	}
	close_all(&clients);
}
END_TEST

START_TEST(a_full_house_loses_its_oldest)
{
	struct clients clients = {.count = 0};
	int first = visit(&clients);

	clients.list[0].user = 1000;
	while (clients.count < CLIENTS) {
		close(visit(&clients));
		clients.list[clients.count - 1].user = 1000 + clients.count;
	}
	int last = visit(&clients);

	ck_assert_uint_eq(clients.count, CLIENTS);
	ck_assert(is_hung_up(first));
	ck_assert(!is_hung_up(last));
	close_all(&clients);
	ck_assert(is_hung_up(last));
	close(first);
	close(last);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ticket");
	TCase *test = tcase_create("tickets");

	tcase_add_checked_fixture(test, setup, NULL);
	tcase_add_test(test, a_ticket_is_good_once);
	tcase_add_test(test, no_two_are_the_same);
	tcase_add_test(test, every_bit_counts);
	tcase_add_test(test, it_belongs_to_one_caller);
	tcase_add_test(test, zeroes_are_no_ticket);
	tcase_add_test(test, late_ones_are_dropped);
	tcase_add_test(test, a_closed_file_takes_its_own_along);
	tcase_add_test(test, one_users_flood_is_his_own_loss);
	tcase_add_test(test, many_users_lose_the_oldest);
	tcase_add_test(test, all_go_in_the_end);
	tcase_add_test(test, one_users_crowd_loses_its_oldest);
	tcase_add_test(test, a_full_house_loses_its_oldest);
	suite_add_tcase(suite, test);
	return run_suite(suite);
}
