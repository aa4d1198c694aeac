/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who holds the memory of a file besides its mount: processes that have an fd
 * or a map of it, the daemon among them, and devices that have it attached. As
 * far as the kernel tells this process: of its own user's processes, or as root
 * of all; of devices where debugfs is mounted.
 */
#ifndef CTL_HOLDERS_H
#define CTL_HOLDERS_H

#include "lib/dmaheapfs.h"

#include <json-c/json.h>

/*
 * An array of objects: "pid", "command", "fds" (an array of numbers) and "maps"
 * (how many). The caller ends it with json_object_put().
 */
json_object *holders_processes(const struct dmaheap_info *info);

/* An array of names; NULL where the kernel does not tell. */
json_object *holders_devices(const struct dmaheap_info *info);

#endif
