// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/holders.h"

#include "ctl/info.h"
#include "lib/dmaheapfs.h"
#include "util/scope.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define BUFINFO "/sys/kernel/debug/dma_buf/bufinfo"

/* A file whose holders are wanted. Memory can be that of two files, if it was imported. */
struct memory {
	uint64_t device, inode; /* of the fds of the memory; 0: nobody can hold it */
	json_object *processes;
	json_object *devices; /* NULL: not known */
};

struct memories {
	struct memory *all;
	size_t count;
};

/* --- processes ------------------------------------------------------------------------ */

/* Returns the object for the process @pid, the last that was begun. */
static json_object *process_in(json_object *processes, const char *pid)
{
	const size_t count = json_object_array_length(processes);
	json_object *last = count ? json_object_array_get_idx(processes, count - 1) : NULL;
	char path[300], name[64] = "";

	if (last && !strcmp(info_text(last, "pid"), pid))
		return last;
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	FILE *file = fopen(path, "re");

	if (file && fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
	json_object *process = json_object_new_object();

	json_object_object_add(process, "pid", json_object_new_int(atoi(pid)));
	json_object_object_add(process, "command", info_string(name));
	json_object_object_add(process, "fds", json_object_new_array());
	json_object_object_add(process, "maps", json_object_new_int(0));
	json_object_array_add(processes, process);
	return process;
}

/*
 * Returns the inode number of a process's fd, 0 if there is none. It is that from fdinfo:
 * stat(2) could block, if the file is on a hung filesystem.
 */
static uint64_t inode_of_fd(const char *pid, const char *fd)
{
	char path[300], line[256];
	uint64_t inode = 0;
	bool told = false;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd);
	FILE *info = fopen(path, "re");

	while (info && !told && fgets(line, sizeof(line), info))
		told = sscanf(line, "ino: %" SCNu64, &inode) == 1;
	if (info)
		fclose(info);
	return inode;
}

static bool is_on_device(const char *pid, const char *fd, uint64_t device)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, fd);
	return !stat(path, &st) && st.st_dev == device;
}

static void add_fd(const struct memories *memories, const char *pid, const char *fd)
{
	const uint64_t inode = inode_of_fd(pid, fd);

	for (size_t i = 0; i < memories->count && inode; i++) {
		const struct memory *memory = &memories->all[i];

		if (memory->inode != inode || !is_on_device(pid, fd, memory->device))
			continue;
		json_object *process = process_in(memory->processes, pid);

		json_object_array_add(json_object_object_get(process, "fds"),
				      json_object_new_int(atoi(fd)));
	}
}

static void add_fds(const struct memories *memories, const char *pid)
{
	char path[300];

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name))
			add_fd(memories, pid, entry->d_name);
	if (dir)
		closedir(dir);
}

static void add_map(const struct memories *memories, const char *pid, const char *line)
{
	unsigned int major, minor;
	uint64_t inode;

	if (sscanf(line, "%*s %*s %*s %x:%x %" SCNu64, &major, &minor, &inode) != 3 || !inode)
		return;
	for (size_t i = 0; i < memories->count; i++) {
		const struct memory *memory = &memories->all[i];

		if (memory->inode != inode || memory->device != makedev(major, minor))
			continue;
		json_object *maps =
			json_object_object_get(process_in(memory->processes, pid), "maps");

		json_object_int_inc(maps, 1);
	}
}

static void add_maps(const struct memories *memories, const char *pid)
{
	scope(free) char *line = NULL;
	char path[300];
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	FILE *maps = fopen(path, "re");

	while (maps && getline(&line, &size, maps) > 0)
		add_map(memories, pid, line);
	if (maps)
		fclose(maps);
}

static void add_processes(const struct memories *memories)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		add_fds(memories, entry->d_name);
		add_maps(memories, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

/* --- devices -------------------------------------------------------------------------- */

/* "size flags mode count exporter inode name", separated by tabs. */
static bool is_entry(const char *line, uint64_t *inode)
{
	return isxdigit((unsigned char)*line) &&
	       sscanf(line, "%*s %*s %*s %*s %*s %" SCNu64, inode) == 1;
}

static void add_device(const struct memories *memories, uint64_t inode, const char *name)
{
	for (size_t i = 0; i < memories->count; i++)
		if (memories->all[i].inode == inode)
			json_object_array_add(memories->all[i].devices, info_string(name));
}

/* An entry is followed by its fences, "Attached Devices:", a line for each, and a total. */
static void add_devices(const struct memories *memories)
{
	FILE *file = fopen(BUFINFO, "re");
	bool attached = false;
	char line[512], name[256];
	uint64_t inode = 0;

	for (size_t i = 0; i < memories->count && file; i++)
		memories->all[i].devices = json_object_new_array();
	while (file && fgets(line, sizeof(line), file)) {
		if (is_entry(line, &inode) || !strncmp(line, "Total ", 6))
			attached = false;
		else if (strstr(line, "Attached Devices:"))
			attached = true;
		else if (inode && attached && sscanf(line, "%255s", name) == 1)
			add_device(memories, inode, name);
	}
	if (file)
		fclose(file);
}

/* --- both ----------------------------------------------------------------------------- */

/* 0 or -errno: the caller may not open the file. */
static int begin(struct memory *memory, json_object *info, const char *path)
{
	struct dmaheap_info query;
	const int error = dmaheap_query(path, &query);

	if (error)
		return error;
	memory->device = query.device;
	memory->inode = query.inode;
	memory->processes = json_object_new_array();
	json_object_object_add(info, "exported",
			       json_object_new_boolean(query.flags & DMAHEAP_EXPORTED));
	json_object_object_add(info, "processes", memory->processes);
	return 0;
}

int holders_add(json_object *const infos[], const char *const paths[], size_t count)
{
	scope(free) struct memory *all = calloc(count + 1, sizeof(*all));
	bool any = false;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		any |= !begin(&all[i], infos[i], paths[i]) && all[i].inode;
	if (!any)
		return 0;
	const struct memories memories = {all, count};

	add_processes(&memories);
	add_devices(&memories);
	for (size_t i = 0; i < count; i++) {
		if (all[i].devices && all[i].processes)
			json_object_object_add(infos[i], "devices", all[i].devices);
		else
			json_object_put(all[i].devices);
	}
	return 0;
}
