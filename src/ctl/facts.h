/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a mount says of itself, as a JSON object: read from the extended
 * attributes user.dmaheap.*, so that every user who sees the mount can ask.
 */
#ifndef CTL_FACTS_H
#define CTL_FACTS_H

#include <json-c/json.h>

/*
 * The facts of the mount whose root is @path, or of the file @path of a mount.
 * The caller ends them with json_object_put(). On failure NULL and errno:
 * ENODATA where @path belongs to no mount of ours.
 */
json_object *facts_read(const char *path);

/* A fact as text, "" where there is none; good as long as @facts. */
const char *fact(json_object *facts, const char *key);

#endif
