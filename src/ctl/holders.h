/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holders of a file's memory: processes that have an fd or a map of it, including the daemon,
 * and devices that have it attached. An ordinary user sees only its own processes, and
 * devices are known only if debugfs is mounted.
 */
#ifndef CTL_HOLDERS_H
#define CTL_HOLDERS_H

#include <json-c/json.h>

/*
 * Adds the holders of @count files at @paths to their objects @infos, all of them by one pass
 * over the processes. Each gets "exported" (a boolean), "processes" (an array of objects with
 * "pid", "command", "fds", an array of numbers, and "maps", a count), and "devices" (an array
 * of names) if the kernel tells. A file that the caller may not read gets none of these.
 * 0 or -ENOMEM.
 */
int holders_add(json_object *const infos[], const char *const paths[], size_t count);

#endif
