// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/ctl.h"
#include "ctl/holders.h"
#include "ctl/info.h"
#include "ctl/paths.h"
#include "util/scope.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The files to be listed: their paths, and an object for each. */
struct list {
	struct paths paths;
	json_object **infos;
};

static void scope_list(struct list *list)
{
	for (size_t i = 0; i < list->paths.count && list->infos; i++)
		json_object_put(list->infos[i]);
	free(list->infos);
	scope_paths(&list->paths);
}

/* A directory stands for all buffers below it. */
static int add_path(struct paths *paths, const char *path)
{
	struct stat st;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return paths_add_buffers(paths, path);
	return paths_add(paths, path);
}

/* Of all @names, even if one fails. 0, or -errno of the last that did. */
static int add_paths(struct paths *paths, char *const names[], size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		const int error = add_path(paths, names[i]);

		result = error ?: result;
	}
	return result;
}

static int add_all_mounts(struct paths *paths)
{
	scope(paths) struct paths mounts = {};
	const int error = paths_add_mounts(&mounts);

	if (!error && !mounts.count)
		ctl_fail("no dmaheapfs is mounted here");
	return error ?: mounts.count ? add_paths(paths, mounts.all, mounts.count) : -ENODEV;
}

/* Drops the files that cannot be read. 0, or -errno of the last of them. */
static int read_infos(struct list *list)
{
	struct paths *paths = &list->paths;
	size_t kept = 0;
	int result = 0;

	list->infos = calloc(paths->count + 1, sizeof(json_object *));
	if (!list->infos)
		return -ENOMEM;
	for (size_t i = 0; i < paths->count; i++) {
		char *path = paths->all[i];
		json_object *info = info_read(path);

		if (!info) {
			result = -errno;
			info_complain(path);
			free(path);
			continue;
		}
		paths->all[kept] = path;
		list->infos[kept++] = info;
	}
	paths->count = kept;
	return result;
}

/* --- what is printed -------------------------------------------------------------------- */

/* Both processes of the daemon hold every memory. */
static size_t count_processes(json_object *processes)
{
	size_t count = 0;

	for (size_t i = 0; i < json_object_array_length(processes); i++) {
		json_object *process = json_object_array_get_idx(processes, i);

		count += strncmp(info_text(process, "command"), "dmaheapfs", 9) != 0;
	}
	return count;
}

static const char *holders(json_object *info, char text[static 32])
{
	json_object *processes, *devices;
	size_t count;

	if (!json_object_object_get_ex(info, "processes", &processes))
		return "?";
	count = count_processes(processes);
	if (json_object_object_get_ex(info, "devices", &devices))
		count += json_object_array_length(devices);
	snprintf(text, 32, "%zu", count);
	return text;
}

static const char *exported(json_object *info)
{
	const char *text = info_text(info, "exported");

	return !*text ? "?" : *text == 't' ? "yes" : "no";
}

/* The engine, from "engine=NAME …". */
static const char *last_copy(json_object *info, char text[static 32])
{
	return sscanf(info_text(info, "copy"), "engine=%31s", text) == 1 ? text : "-";
}

static void print_text(const struct list *list)
{
	char size[32], memory[32], held[32], copy[32];

	if (list->paths.count)
		printf("%-11s %-11s %-8s %-7s %-15s %s\n", "SIZE", "MEMORY", "EXPORTED", "HOLDERS",
		       "LAST COPY", "FILE");
	for (size_t i = 0; i < list->paths.count; i++) {
		json_object *info = list->infos[i];

		printf("%-11s %-11s %-8s %-7s %-15s %s\n", info_bytes(info, "size", size),
		       info_bytes(info, "capacity", memory), exported(info), holders(info, held),
		       last_copy(info, copy), info_text(info, "file"));
	}
}

static void print_json(const struct list *list)
{
	json_object *all = json_object_new_array();

	for (size_t i = 0; i < list->paths.count; i++)
		json_object_array_add(all, json_object_get(list->infos[i]));
	info_print(all);
	json_object_put(all);
}

static enum ctl_exit print(struct list *list, bool as_json)
{
	int error = read_infos(list);

	for (size_t i = 0; i < list->paths.count && list->infos; i++)
		json_object_object_add(list->infos[i], "file", info_string(list->paths.all[i]));
	if (list->infos &&
	    holders_add(list->infos, (const char *const *)list->paths.all, list->paths.count))
		error = -ENOMEM;
	if (error == -ENOMEM)
		return ctl_fail("%s", strerror(ENOMEM));
	if (as_json)
		print_json(list);
	else
		print_text(list);
	return error ? CTL_FAILED : CTL_DONE;
}

enum ctl_exit ctl_ls(int argc, char *argv[])
{
	static const struct option words[] = {{"json", no_argument, NULL, 'j'}, {}};
	scope(list) struct list list = {};
	bool as_json = false;
	int letter, error = 0;

	while ((letter = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (letter != 'j')
			return CTL_USAGE;
		as_json = true;
	}
	if (optind == argc)
		error = add_all_mounts(&list.paths);
	else
		error = add_paths(&list.paths, argv + optind, (size_t)(argc - optind));
	const enum ctl_exit result = print(&list, as_json);

	return error ? CTL_FAILED : result;
}
