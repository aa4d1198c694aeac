// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/amount.h"
#include "ctl/ctl.h"
#include "ctl/facts.h"
#include "ctl/holders.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *bytes(json_object *facts, const char *key, char text[static 32])
{
	return amount(strtod(fact(facts, key), NULL), text);
}

/* "pid 4711 (camera) by fds 3 5, 1 map" */
static void print_process(json_object *holder)
{
	json_object *fds = json_object_object_get(holder, "fds");
	const size_t count = json_object_array_length(fds);
	const int maps = json_object_get_int(json_object_object_get(holder, "maps"));

	printf("held by      pid %s (%s)", fact(holder, "pid"), fact(holder, "command"));
	if (count)
		printf(" by fd%s", count == 1 ? "" : "s");
	for (size_t i = 0; i < count; i++)
		printf(" %s", json_object_get_string(json_object_array_get_idx(fds, i)));
	if (maps)
		printf("%s %d map%s", count ? "," : " by", maps, maps == 1 ? "" : "s");
	putchar('\n');
}

static void print_holders(json_object *facts)
{
	json_object *processes, *devices;

	if (json_object_object_get_ex(facts, "processes", &processes))
		for (size_t i = 0; i < json_object_array_length(processes); i++)
			print_process(json_object_array_get_idx(processes, i));
	if (json_object_object_get_ex(facts, "devices", &devices))
		for (size_t i = 0; i < json_object_array_length(devices); i++)
			printf("held by      device %s\n",
			       json_object_get_string(json_object_array_get_idx(devices, i)));
}

static void print_file(json_object *facts)
{
	char size[32], capacity[32];

	printf("heap         %s\n", fact(facts, "heap"));
	printf("dma-buf      %s\n", fact(facts, "dmabuf"));
	printf("size         %s (%s bytes)\n", bytes(facts, "size", size), fact(facts, "size"));
	printf("memory       %s (%s bytes)\n", bytes(facts, "capacity", capacity),
	       fact(facts, "capacity"));
	printf("mmap         %s\n", fact(facts, "map"));
	if (*fact(facts, "copy"))
		printf("last copy    %s\n", fact(facts, "copy"));
	print_holders(facts);
}

static void print_mount(json_object *facts)
{
	const char *choice = fact(facts, "heap_choice");
	char used[32], limit[32], held[32], in[32], out[32];

	printf("heap         %s%s%s%s\n", fact(facts, "heap"), *choice ? " (" : "", choice,
	       *choice ? ")" : "");
	printf("dma-buf      %s\n", fact(facts, "dmabuf"));
	printf("memory       %s of %s\n", bytes(facts, "memory_used", used),
	       bytes(facts, "memory_limit", limit));
	if (strcmp(fact(facts, "memory_left_behind"), "0"))
		printf("left behind  %s by files that are gone, in dma-bufs that others hold\n",
		       bytes(facts, "memory_left_behind", held));
	printf("files        %s of %s\n", fact(facts, "inodes_used"), fact(facts, "inodes_limit"));
	printf("opens        %s past the daemon, %s direct, %s cached\n",
	       fact(facts, "opens_passthrough"), fact(facts, "opens_direct"),
	       fact(facts, "opens_cached"));
	printf("by daemon    %s reads (%s), %s writes (%s)\n", fact(facts, "reads"),
	       bytes(facts, "read_bytes", out), fact(facts, "writes"),
	       bytes(facts, "written_bytes", in));
	printf("copies       %s with files outside (%s), %s of them direct\n", fact(facts, "loads"),
	       bytes(facts, "loaded_bytes", in), fact(facts, "loads_direct"));
	printf("daemon       pid %s, dmaheapfs %s, libfuse %s, passthrough %s\n",
	       fact(facts, "pid"), fact(facts, "version"), fact(facts, "libfuse"),
	       strcmp(fact(facts, "passthrough"), "true") ? "no" : "yes");
}

/* Who may not open the file does not get to know. */
static void add_holders(json_object *facts, const char *path)
{
	struct dmaheap_info info;

	if (dmaheap_query(path, &info))
		return;
	json_object *devices = holders_devices(&info);

	json_object_object_add(facts, "exported",
			       json_object_new_boolean(info.flags & DMAHEAP_EXPORTED));
	json_object_object_add(facts, "processes", holders_processes(&info));
	if (devices)
		json_object_object_add(facts, "devices", devices);
}

static enum ctl_exit print(const char *path, bool as_json)
{
	json_object *facts = facts_read(path);

	if (facts && !json_object_object_get_ex(facts, "pid", NULL))
		add_holders(facts, path);
	if (!facts && (errno == ENODATA || errno == EOPNOTSUPP))
		return ctl_fail("%s is neither a dmaheapfs mount nor a file of one", path);
	if (!facts)
		return ctl_fail("%s: %s", path, strerror(errno));
	if (as_json)
		puts(json_object_to_json_string_ext(facts, JSON_C_TO_STRING_PRETTY |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
	else if (json_object_object_get_ex(facts, "pid", NULL))
		print_mount(facts);
	else
		print_file(facts);
	json_object_put(facts);
	return CTL_DONE;
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
	if (optind != argc - 1) {
		ctl_fail("status wants one MOUNT or FILE; see: dmaheapctl --help");
		return CTL_USAGE;
	}
	return print(argv[optind], as_json);
}
