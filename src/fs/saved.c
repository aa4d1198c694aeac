// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/saved.h"

#include "buffer/record.h"
#include "fs/admission.h"
#include "fs/inode.h"
#include "fs/loop.h"
#include "util/math.h"
#include "util/scope.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Memory is used by records that are, so most of this is address space only. */
enum {
	LARGE = sizeof(void *) > 4,
	INODES = LARGE ? 1 << 23 : 1 << 17,
	SOURCE_NODES = LARGE ? 1 << 20 : 1 << 15,
	BUFFERS = LARGE ? 1 << 21 : 1 << 16,
	ORPHANS = LARGE ? 1 << 20 : 1 << 15,
	USERS = 1 << 16,
	PARKED = LARGE ? 1 << 17 : 1 << 12,
	SLOTS = ADMISSION_THREADS,
	FEW_SLOTS = SLOTS / 4,
};

static const struct {
	size_t record_size;
	uint32_t most;
} shapes[SAVED_TABLES] = {
	[SAVED_INODES] = {sizeof(struct tree_record), INODES},
	[SAVED_SOURCE] = {sizeof(struct source_inode_record), SOURCE_NODES},
	[SAVED_HANDLES] = {sizeof(struct handle_record), HANDLES_MOST},
	[SAVED_BUFFERS] = {sizeof(struct buffer_record), BUFFERS},
	[SAVED_ORPHANS] = {sizeof(struct orphan_record), ORPHANS},
	[SAVED_USERS] = {sizeof(struct user_record), USERS},
	[SAVED_PARKED] = {sizeof(struct parked_request), PARKED},
};

static size_t head_bytes(void)
{
	return page_round_up(sizeof(struct saved_head));
}

static uint32_t most_of(const struct saved *saved, int table)
{
	return shapes[table].most >> saved->shift;
}

static size_t table_bytes(const struct saved *saved, int table)
{
	return page_round_up(shapes[table].record_size * most_of(saved, table));
}

static unsigned slots_of(const struct saved *saved)
{
	return saved->shift ? FEW_SLOTS : SLOTS;
}

static size_t slots_bytes(const struct saved *saved)
{
	return slots_of(saved) * request_slot_bytes(LOOP_BUFFER_BYTES);
}

static size_t total_bytes(const struct saved *saved)
{
	size_t bytes = head_bytes() + slots_bytes(saved);

	for (int table = 0; table < SAVED_TABLES; table++)
		bytes += table_bytes(saved, table);
	return bytes;
}

static struct table *table_of(struct saved *saved, enum saved_table table)
{
	struct table *const tables[SAVED_TABLES] = {
		[SAVED_INODES] = &saved->inodes,   [SAVED_SOURCE] = &saved->source,
		[SAVED_HANDLES] = &saved->handles, [SAVED_BUFFERS] = &saved->buffers,
		[SAVED_ORPHANS] = &saved->orphans, [SAVED_USERS] = &saved->users,
		[SAVED_PARKED] = &saved->parked,
	};

	return tables[table];
}

void saved_attach(struct saved *saved)
{
	char *at = (char *)saved->head + head_bytes();

	for (int table = 0; table < SAVED_TABLES; table++) {
		table_attach(table_of(saved, table), at, shapes[table].record_size,
			     most_of(saved, table), &saved->head->used[table]);
		at += table_bytes(saved, table);
	}
	saved->requests = (struct requests){
		.slots = at,
		.count = slots_of(saved),
		.used = &saved->head->slots_used,
		.buffer_bytes = LOOP_BUFFER_BYTES,
		.parked = &saved->parked,
		.interrupts = &saved->head->interrupts,
		.base = (char *)saved->head,
	};
}

/* Changes with the meaning of what is stored. */
#define SAVED_VERSION 3

static uint64_t mix(uint64_t hash, uint64_t number)
{
	return (hash ^ number) * UINT64_C(0x100000001b3);
}

uint64_t saved_layout(void)
{
	uint64_t hash = mix(SAVED_VERSION, sizeof(struct saved_head));

	for (int table = 0; table < SAVED_TABLES; table++)
		hash = mix(mix(hash, shapes[table].record_size), shapes[table].most);
	hash = mix(hash, request_slot_bytes(LOOP_BUFFER_BYTES));
	return mix(hash, SLOTS);
}

static int map(struct saved *saved)
{
	const size_t bytes = total_bytes(saved);
	const int flags = saved->file < 0 ? MAP_ANONYMOUS | MAP_NORESERVE : 0;

	saved->head = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | flags, saved->file, 0);
	if (saved->head == MAP_FAILED) {
		saved->head = NULL;
		return -ENOMEM;
	}
	/* A huge page for each table would be much memory. */
	madvise(saved->head, bytes, MADV_NOHUGEPAGE);
	return 0;
}

/* The starter may have limited the size of files. */
static int new_file(size_t bytes)
{
	scope(fd) int file = memfd_create(SAVED_NAME, MFD_CLOEXEC);

	return file < 0 || ftruncate(file, (off_t)bytes) ? -1 : steal_fd(&file);
}

/* The starter may have limited the address space. */
#define SMALL_SHIFT 6

int saved_create(struct saved *saved)
{
	saved->file = new_file(total_bytes(saved));
	int error = map(saved);

	if (error) {
		close_fd(steal_fd(&saved->file));
		saved->shift = SMALL_SHIFT;
		error = map(saved);
	}
	if (error)
		return error;
	saved->head->layout = saved_layout();
	saved_attach(saved);
	return 0;
}

int saved_open(struct saved *saved, int file)
{
	struct stat st;

	saved->file = file;
	if (fstat(file, &st) || (size_t)st.st_size != total_bytes(saved))
		return -EINVAL;
	const int error = map(saved);

	if (error)
		return error;
	if (saved->head->layout != saved_layout())
		return -EINVAL;
	saved_attach(saved);
	return 0;
}

void saved_finish(struct saved *saved)
{
	if (saved->head)
		munmap(saved->head, total_bytes(saved));
	close_fd(saved->file);
}
