// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/info.h"

#include "ctl/ctl.h"
#include "util/escape.h"
#include "util/format_size.h"
#include "util/scope.h"

#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Returns the text of user.dmaheap.@name, which the caller frees; NULL with errno set. */
static char *read_text(const char *path, const char *name)
{
	char attribute[64];
	/* The longest that the kernel allows. */
	scope(free) char *text = malloc(XATTR_SIZE_MAX + 1);

	snprintf(attribute, sizeof(attribute), "user.dmaheap.%s", name);
	const ssize_t length = text ? getxattr(path, attribute, text, XATTR_SIZE_MAX) : -1;

	if (length < 0)
		return NULL;
	text[length] = '\0';
	return strdup(text);
}

json_object *info_string(const char *text)
{
	scope(free) char *escaped = escape_new(text);

	return json_object_new_string(escaped ?: "");
}

/* Digits become a number, yes and no a boolean, all else a string. */
static json_object *typed(const char *value)
{
	if (*value && strspn(value, "0123456789") == strlen(value))
		return json_object_new_uint64(strtoull(value, NULL, 10));
	if (!strcmp(value, "yes") || !strcmp(value, "no"))
		return json_object_new_boolean(*value == 'y');
	return info_string(value);
}

static void add_lines(json_object *info, char *lines)
{
	char *rest = lines;

	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		char *value = strchr(line, '=');

		if (!value)
			continue;
		*value++ = '\0';
		scope(free) char *key = escape_new(line);

		json_object_object_add(info, key ?: "", typed(value));
	}
}

/* An earlier daemon does not count them. */
static void add_requests(json_object *info, const char *path)
{
	scope(free) char *lines = read_text(path, "requests");

	if (!lines)
		return;
	json_object *requests = json_object_new_object();

	add_lines(requests, lines);
	json_object_object_add(info, "requests", requests);
}

static json_object *read_file(const char *path)
{
	static const char *const names[] = {"heap", "dmabuf", "capacity", "map", "copy"};
	enum { ALWAYS = 3 }; /* the first three */
	struct stat st;

	if (stat(path, &st))
		return NULL;
	json_object *info = json_object_new_object();

	json_object_object_add(info, "size", json_object_new_uint64(st.st_size));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		scope(free) char *text = read_text(path, names[i]);

		/* The others may be missing: no copy yet, or an older daemon. */
		if (!text && errno == ENODATA && i >= ALWAYS)
			continue;
		if (!text) {
			json_object_put(info);
			return NULL;
		}
		json_object_object_add(info, names[i], typed(text));
	}
	return info;
}

json_object *info_read(const char *path)
{
	scope(free) char *lines = read_text(path, "status");

	if (!lines && errno == ENODATA)
		return read_file(path);
	if (!lines)
		return NULL;
	json_object *info = json_object_new_object();

	add_lines(info, lines);
	add_requests(info, path);
	return info;
}

void info_complain(const char *path)
{
	if (errno == ENODATA || errno == EOPNOTSUPP)
		ctl_fail("%s is neither a dmaheapfs mount nor a file of one", path);
	else
		ctl_fail("%s: %s", path, strerror(errno));
}

void info_print(json_object *info)
{
	puts(json_object_to_json_string_ext(info, JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
}

const char *info_text(json_object *info, const char *key)
{
	json_object *value;

	return json_object_object_get_ex(info, key, &value) ? json_object_get_string(value) : "";
}

const char *info_bytes(json_object *info, const char *key, char text[static 32])
{
	return format_size(strtod(info_text(info, key), NULL), text);
}
