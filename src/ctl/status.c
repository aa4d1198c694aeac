// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/ctl.h"
#include "ctl/holders.h"
#include "ctl/info.h"
#include "util/format_size.h"

#include <errno.h>
#include <getopt.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *bytes(json_object *info, const char *key, char text[static 32])
{
	return format_size(strtod(info_text(info, key), NULL), text);
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
	printf("size         %s (%s bytes)\n", bytes(info, "size", size), info_text(info, "size"));
	printf("memory       %s (%s bytes)\n", bytes(info, "capacity", capacity),
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
	printf("memory       %s of %s\n", bytes(info, "memory_used", used),
	       bytes(info, "memory_limit", limit));
	if (strcmp(info_text(info, "memory_left_behind"), "0"))
		printf("orphaned     %s of removed files, in dma-bufs that are still held\n",
		       bytes(info, "memory_left_behind", held));
	printf("files        %s of %s\n", info_text(info, "inodes_used"),
	       info_text(info, "inodes_limit"));
	printf("opens        %s passthrough, %s through daemon, %s page cache\n",
	       info_text(info, "opens_passthrough"), info_text(info, "opens_daemon"),
	       info_text(info, "opens_cached"));
	printf("by daemon    %s reads (%s), %s writes (%s)\n", info_text(info, "reads"),
	       bytes(info, "read_bytes", out), info_text(info, "writes"),
	       bytes(info, "written_bytes", in));
	printf("copies       %s with files outside (%s), %s of them direct\n",
	       info_text(info, "loads"), bytes(info, "loaded_bytes", in),
	       info_text(info, "loads_direct"));
	if (strcmp(info_text(info, "restarts"), "0"))
		printf("restarts     %s of the serving process\n", info_text(info, "restarts"));
	printf("daemon       pid %s, dmaheapfs %s, libfuse %s, passthrough %s\n",
	       info_text(info, "pid"), info_text(info, "version"), info_text(info, "libfuse"),
	       strcmp(info_text(info, "passthrough"), "true") ? "no" : "yes");
}

/* Only for callers that may open the file. */
static void add_holders(json_object *info, const char *path)
{
	struct dmaheap_info memory;

	if (dmaheap_query(path, &memory))
		return;
	json_object *devices = holders_devices(&memory);

	json_object_object_add(info, "exported",
			       json_object_new_boolean(memory.flags & DMAHEAP_EXPORTED));
	json_object_object_add(info, "processes", holders_processes(&memory));
	if (devices)
		json_object_object_add(info, "devices", devices);
}

static void print_json(json_object *info)
{
	puts(json_object_to_json_string_ext(info, JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
}

static enum ctl_exit print(const char *path, bool as_json)
{
	json_object *info = info_read(path);

	if (info && !json_object_object_get_ex(info, "pid", NULL))
		add_holders(info, path);
	if (!info && (errno == ENODATA || errno == EOPNOTSUPP))
		return ctl_fail("%s is neither a dmaheapfs mount nor a file of one", path);
	if (!info)
		return ctl_fail("%s: %s", path, strerror(errno));
	if (as_json)
		print_json(info);
	else if (json_object_object_get_ex(info, "pid", NULL))
		print_mount(info);
	else
		print_file(info);
	json_object_put(info);
	return CTL_DONE;
}

/* Returns an array of the mounts in this mount namespace, with their paths. */
static json_object *all_mounts(void)
{
	json_object *all = json_object_new_array();
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char line[4096];
	struct mntent entry;

	while (mounts && getmntent_r(mounts, &entry, line, sizeof(line))) {
		json_object *info =
			strcmp(entry.mnt_type, "fuse.dmaheapfs") ? NULL : info_read(entry.mnt_dir);

		if (!info)
			continue;
		json_object_object_add(info, "mount", info_string(entry.mnt_dir));
		json_object_array_add(all, info);
	}
	if (mounts)
		endmntent(mounts);
	return all;
}

static enum ctl_exit print_all(bool as_json)
{
	json_object *all = all_mounts();
	const size_t count = json_object_array_length(all);

	if (as_json)
		print_json(all);
	for (size_t i = 0; i < count && !as_json; i++) {
		json_object *info = json_object_array_get_idx(all, i);

		printf("%smount        %s\n", i ? "\n" : "", info_text(info, "mount"));
		print_mount(info);
	}
	json_object_put(all);
	return count || as_json ? CTL_DONE : ctl_fail("no dmaheapfs is mounted here");
}

enum ctl_exit ctl_status(int argc, char *argv[])
{
	static const struct option words[] = {{"json", no_argument, NULL, 'j'}, {}};
	bool as_json = false;
	int letter;

	while ((letter = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (letter != 'j')
			return CTL_USAGE;
		as_json = true;
	}
	if (optind < argc - 1) {
		ctl_fail("status takes one MOUNT or FILE; see: dmaheapctl --help");
		return CTL_USAGE;
	}
	return optind < argc ? print(argv[optind], as_json) : print_all(as_json);
}
