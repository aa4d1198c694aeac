/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places of rows: the mount under test and its rivals. */
#ifndef BENCH_PLACES_H
#define BENCH_PLACES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum place_id {
	NOWHERE, /* the row needs no mount */
	TMPFS,
	PASSTHROUGH_HP,
	/* Ours on each kind of heap, with a view of the group's files as .source. */
	ON_DMA_HEAP,
	ON_UDMABUF,
	ON_SHMEM,
	/* The same without passthrough: plain FUSE. */
	PLAIN_ON_DMA_HEAP,
	PLAIN_ON_UDMABUF,
	PLAIN_ON_SHMEM,
	PLACES,
};

struct bench;

struct place {
	char dir[PATH_MAX];   /* empty: not mounted */
	char below[PATH_MAX]; /* the directory below passthrough_hp, else empty */
	pid_t daemon;	      /* 0: none */
};

/* Is it under test, not a rival? */
bool place_is_ours(enum place_id id);

/*
 * Mounts the place, empty, unless it is mounted. On failure returns -errno, or UNABLE
 * if this machine can't have it, with the reason in @why. Works in the mount namespace
 * of supervise().
 */
int place_mount(struct bench *bench, enum place_id id, char why[static 256]);
void place_unmount(struct place *place);

/* The reason why there can be no mount of that kind, or NULL. */
const char *needs_dma_heap(const struct bench *bench);
const char *needs_udmabuf(const struct bench *bench);

/* Where a mount of ours shows the group's files. */
void place_view(const struct place *place, char path[static 512]);

/* CPU seconds that the daemon has used since it was started; 0 without one. */
double place_cpu(const struct place *place);

#endif
