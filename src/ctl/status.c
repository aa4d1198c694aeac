// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/ctl.h"
#include "ctl/holders.h"
#include "ctl/info.h"
#include "ctl/metrics.h"
#include "ctl/paths.h"
#include "util/scope.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum format { AS_TEXT, AS_JSON, AS_METRICS, REQUESTS };

static bool info_is_mount(json_object *info)
{
	return json_object_object_get_ex(info, "pid", NULL);
}

/* "pid 4711 (camera) by fds 3 5, 1 map" */
static void print_process(json_object *holder)
{
	json_object *fds = json_object_object_get(holder, "fds");
	const size_t count = json_object_array_length(fds);
	const int maps = json_object_get_int(json_object_object_get(holder, "maps"));

	printf("held by      pid %s (%s)", info_text(holder, "pid"), info_text(holder, "command"));
	if (count)
		printf(" by fd%s", count == 1 ? "" : "s");
	for (size_t i = 0; i < count; i++)
		printf(" %s", json_object_get_string(json_object_array_get_idx(fds, i)));
	if (maps)
		printf("%s %d map%s", count ? "," : " by", maps, maps == 1 ? "" : "s");
	putchar('\n');
}

static void print_holders(json_object *info)
{
	json_object *processes, *devices;

	if (json_object_object_get_ex(info, "processes", &processes))
		for (size_t i = 0; i < json_object_array_length(processes); i++)
			print_process(json_object_array_get_idx(processes, i));
	if (json_object_object_get_ex(info, "devices", &devices))
		for (size_t i = 0; i < json_object_array_length(devices); i++)
			printf("held by      device %s\n",
			       json_object_get_string(json_object_array_get_idx(devices, i)));
}

static void print_file(json_object *info)
{
	char size[32], capacity[32];

	printf("heap         %s\n", info_text(info, "heap"));
	printf("dma-buf      %s\n", info_text(info, "dmabuf"));
	printf("size         %s (%s bytes)\n", info_bytes(info, "size", size),
	       info_text(info, "size"));
	printf("memory       %s (%s bytes)\n", info_bytes(info, "capacity", capacity),
	       info_text(info, "capacity"));
	printf("mmap         %s\n", info_text(info, "map"));
	if (*info_text(info, "copy"))
		printf("last copy    %s\n", info_text(info, "copy"));
	print_holders(info);
}

static void print_mount(json_object *info)
{
	const char *choice = info_text(info, "heap_choice");
	char used[32], limit[32], held[32], in[32], out[32];

	printf("heap         %s%s%s%s\n", info_text(info, "heap"), *choice ? " (" : "", choice,
	       *choice ? ")" : "");
	printf("dma-buf      %s\n", info_text(info, "dmabuf"));
	printf("memory       %s of %s\n", info_bytes(info, "memory_used", used),
	       info_bytes(info, "memory_limit", limit));
	if (strcmp(info_text(info, "memory_left_behind"), "0"))
		printf("orphaned     %s of removed files, in dma-bufs that are still held\n",
		       info_bytes(info, "memory_left_behind", held));
	printf("files        %s of %s\n", info_text(info, "inodes_used"),
	       info_text(info, "inodes_limit"));
	printf("opens        %s passthrough, %s through daemon, %s page cache\n",
	       info_text(info, "opens_passthrough"), info_text(info, "opens_daemon"),
	       info_text(info, "opens_cached"));
	printf("by daemon    %s reads (%s), %s writes (%s)\n", info_text(info, "reads"),
	       info_bytes(info, "read_bytes", out), info_text(info, "writes"),
	       info_bytes(info, "written_bytes", in));
	printf("copies       %s with files outside (%s), %s of them direct\n",
	       info_text(info, "loads"), info_bytes(info, "loaded_bytes", in),
	       info_text(info, "loads_direct"));
	if (strcmp(info_text(info, "restarts"), "0"))
		printf("restarts     %s of the serving process\n", info_text(info, "restarts"));
	printf("daemon       pid %s, dmaheapfs %s, libfuse %s, passthrough %s\n",
	       info_text(info, "pid"), info_text(info, "version"), info_text(info, "libfuse"),
	       strcmp(info_text(info, "passthrough"), "true") ? "no" : "yes");
}

/* How often the kernel asked the daemon, by kind of request. */
static void print_requests(json_object *requests)
{
	json_object_object_foreach(requests, name, count)
		printf("%-16s %12s\n", name, json_object_get_string(count));
}

static void print_as_text(json_object *info)
{
	if (info_is_mount(info))
		print_mount(info);
	else
		print_file(info);
}

static enum ctl_exit print_one(const char *path, enum format format)
{
	json_object *info = info_read(path);

	if (!info) {
		info_complain(path);
		return CTL_FAILED;
	}
	json_object *requests = json_object_object_get(info, "requests");
	enum ctl_exit result = CTL_DONE;

	if (!info_is_mount(info) && holders_add(&info, &path, 1))
		result = ctl_fail("out of memory");
	if (format == REQUESTS && requests)
		print_requests(requests);
	else if (format == REQUESTS)
		result = ctl_fail("%s is not the root of a mount that counts requests", path);
	else if (format == AS_JSON)
		info_print(info);
	else
		print_as_text(info);
	json_object_put(info);
	return result;
}

/* --- all mounts ------------------------------------------------------------------------- */

/* Adds the mount at @path; a directory of a mount that is mounted elsewhere too is none. */
static enum ctl_exit add_mount(json_object *all, const char *path)
{
	json_object *info = info_read(path);

	if (!info && errno == ENODATA)
		return CTL_DONE;
	if (!info) {
		info_complain(path);
		return CTL_FAILED;
	}
	json_object_object_add(info, "mount", info_string(path));
	json_object_array_add(all, info);
	return CTL_DONE;
}

static enum ctl_exit add_mounts(json_object *all, const struct paths *paths)
{
	enum ctl_exit result = CTL_DONE;

	for (size_t i = 0; i < paths->count; i++)
		if (add_mount(all, paths->all[i]))
			result = CTL_FAILED;
	return result;
}

static void print_mounts(json_object *all)
{
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		json_object *info = json_object_array_get_idx(all, i);

		printf("%smount        %s\n", i ? "\n" : "", info_text(info, "mount"));
		print_mount(info);
	}
}

static enum ctl_exit print_all(enum format format, json_object *all)
{
	if (format == AS_JSON)
		info_print(all);
	else if (format == AS_METRICS)
		metrics_print(all);
	else if (!json_object_array_length(all))
		return ctl_fail("no dmaheapfs is mounted here");
	else
		print_mounts(all);
	return CTL_DONE;
}

static enum ctl_exit status_of_all(enum format format)
{
	scope(paths) struct paths paths = {};
	json_object *all = json_object_new_array();
	const int error = paths_add_mounts(&paths);
	enum ctl_exit result = error ? ctl_fail("%s", strerror(-error)) : add_mounts(all, &paths);

	if (!error && print_all(format, all))
		result = CTL_FAILED;
	json_object_put(all);
	return result;
}

static bool is_refused(enum format format, int count)
{
	return count > 1 || (count && format == AS_METRICS) || (!count && format == REQUESTS);
}

enum ctl_exit ctl_status(int argc, char *argv[])
{
	static const struct option words[] = {
		{"json", no_argument, NULL, AS_JSON},
		{"metrics", no_argument, NULL, AS_METRICS},
		{"requests", no_argument, NULL, REQUESTS},
		{},
	};
	enum format format = AS_TEXT;
	int letter;

	while ((letter = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (letter == '?')
			return CTL_USAGE;
		format = letter;
	}
	if (is_refused(format, argc - optind)) {
		ctl_fail("status takes one MOUNT or FILE, none with --metrics, a MOUNT with "
			 "--requests; see: dmaheapctl help status");
		return CTL_USAGE;
	}
	return optind < argc ? print_one(argv[optind], format) : status_of_all(format);
}
