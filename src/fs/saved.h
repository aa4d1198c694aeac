/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives the process that serves a mount: shared memory with tables of inodes, open
 * files, buffers, users, orphans and requests. Open fds outlive it as well, see state/supervisor.h,
 * so a table has their numbers.
 */
#ifndef FS_SAVED_H
#define FS_SAVED_H

#include "fs/fs.h"
#include "source/source.h"
#include "state/request.h"
#include "state/supervisor.h"
#include "state/table.h"
#include "util/fd_list.h"

#include <limits.h>

enum saved_table {
	SAVED_INODES,
	SAVED_SOURCE,
	SAVED_HANDLES,
	SAVED_BUFFERS,
	SAVED_ORPHANS,
	SAVED_USERS,
	SAVED_PARKED,
	SAVED_TABLES,
};

/* What another program of this version needs to go on with the mount; fds, or -1. */
struct saved_handover {
	int32_t device, files;
	struct tree_handover tree;
	struct source_handover source;
	struct timespec since;
	char heap[64];
	char mountpoint[PATH_MAX];
};

struct saved_head {
	uint64_t layout; /* of this memory, see saved_layout() */
	struct saved_handover handover;
	struct supervised supervised;
	_Atomic uint32_t upgrades, upgrades_refused;
	_Atomic uint32_t used[SAVED_TABLES];
	_Atomic uint32_t slots_used;  /* see struct requests */
	_Atomic uint64_t last_handle; /* see struct handles */
	_Atomic int32_t last_backing; /* see struct backing_kernel */
	_Atomic uint64_t limit;	      /* of the mount's memory, if it was changed; else 0 */
	struct counters counters;
	struct interrupts interrupts;
	_Atomic uint32_t init_size;
	_Alignas(8) char init[512]; /* the request INIT */
};

/* The name of the memory's file, as /proc shows it. */
#define SAVED_NAME "dmaheapfs-saved"

struct saved {
	int file;	/* -1: the memory ends with the process and its children */
	unsigned shift; /* the tables have room for so many powers of two fewer records */
	struct saved_head *head;
	struct table inodes, source, handles, buffers, orphans, users, parked;
	struct requests requests;

	/* fds of a killed process that nothing needs; see restore_end(). */
	struct fd_list garbage;
};

/* Makes new, empty memory. 0 or -errno. */
int saved_create(struct saved *saved);

/*
 * Opens the memory of another program, which @file is. -EINVAL if it has another layout.
 * Takes the fd over.
 */
int saved_open(struct saved *saved, int file);

/* A number that differs between programs that cannot read each other's memory. */
uint64_t saved_layout(void);

/* Reads the tables anew, which an earlier process has changed. */
void saved_attach(struct saved *saved);

/* Frees what this process has of it. */
void saved_finish(struct saved *saved);

#endif
