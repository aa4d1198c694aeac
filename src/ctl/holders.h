/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holders of a file's memory: processes that have an fd or a map of it, including the daemon,
 * and devices that have it attached. An ordinary user sees only its own processes, and
 * devices are known only if debugfs is mounted.
 */
#ifndef CTL_HOLDERS_H
#define CTL_HOLDERS_H

#include "lib/dmaheapfs.h"

#include <json-c/json.h>

/*
 * Returns an array of objects: "pid", "command", "fds" (an array of numbers) and "maps" (a
 * count). The caller releases it with json_object_put().
 */
json_object *holders_processes(const struct dmaheap_info *info);

/* Returns an array of names; NULL if the kernel does not tell. */
json_object *holders_devices(const struct dmaheap_info *info);

#endif
