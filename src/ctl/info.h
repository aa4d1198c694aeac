/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The extended attributes user.dmaheap.* as a JSON object. Every user of the mount can read
 * them.
 */
#ifndef CTL_INFO_H
#define CTL_INFO_H

#include <json-c/json.h>

/*
 * Reads those of the mount whose root is @path, or of the file @path. The caller releases
 * them with json_object_put(). NULL with errno on failure: ENODATA if @path is not on a mount
 * of ours.
 */
json_object *info_read(const char *path);

/* Tells on stderr why info_read() of @path failed, by errno. */
void info_complain(const char *path);

/* Prints it for programs. */
void info_print(json_object *info);

/* A string of @text, which others chose: escaped, so that JSON and terminals take it. */
json_object *info_string(const char *text);

/* Returns a value as text, "" if there is none; valid as long as @info. */
const char *info_text(json_object *info, const char *key);

/* Formats a number of bytes for people. Returns @text. */
const char *info_bytes(json_object *info, const char *key, char text[static 32]);

#endif
