/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTL_METRICS_H
#define CTL_METRICS_H

#include <json-c/json.h>

/*
 * Prints the mounts in the array @all in the text format of Prometheus. Each is an object as
 * info_read() returns it, with its path as "mount".
 */
void metrics_print(json_object *all);

#endif
