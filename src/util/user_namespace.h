/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_USER_NAMESPACE_H
#define UTIL_USER_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Returns whether this process sees all user ids as they are: it is in no user namespace
 * but the first. In others root has no rights on the machine, and owners without an id there
 * are shown as 65534. Without /proc the answer is yes.
 */
static inline bool is_first_user_namespace(void)
{
	FILE *map = fopen("/proc/self/uid_map", "re");
	unsigned inside = 0, outside = 0, count = UINT32_MAX;

	if (!map)
		return true;
	const bool read = fscanf(map, "%u %u %u", &inside, &outside, &count) == 3;

	fclose(map);
	return read && !inside && !outside && count == UINT32_MAX;
}

#endif
