/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory limits of this process's control group and of those above it, version 1 or 2.
 * Memory that the process allocates for others counts there, and the kernel would kill the
 * process for it. So it asks first.
 */
#ifndef UTIL_CGROUP_H
#define UTIL_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

/* More nested groups with a limit are not looked at. */
#define CGROUPS 8

struct cgroup {
	uint64_t limit; /* bytes; the lowest; UINT64_MAX: none */
	unsigned count; /* of groups with a limit */
	struct cgroup_level {
		uint64_t limit;
		int usage, stat;      /* fds */
		const char *cache[2]; /* the keys in @stat that count reclaimable memory */
	} level[CGROUPS];
	_Atomic uint64_t reserved; /* bytes, by callers that allocate now */
};

/* Finds the limits as they are now. No control groups, or none with a limit, is fine. */
void cgroup_init(struct cgroup *cgroup);
void cgroup_finish(struct cgroup *cgroup);

/*
 * Asks for @bytes, of which it keeps account until cgroup_leave(). -ENOSPC if they would
 * not leave a reserve for the process itself.
 */
int cgroup_enter(struct cgroup *cgroup, uint64_t bytes);
void cgroup_leave(struct cgroup *cgroup, uint64_t bytes);

#endif
