// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/holders.h"

#include "ctl/info.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define BUFINFO "/sys/kernel/debug/dma_buf/bufinfo"

/*
 * Compares only the inode number, from fdinfo. stat(2) could block, if the file is on a hung
 * filesystem.
 */
static bool may_match(const char *pid, const char *fd, uint64_t inode)
{
	char path[300], line[256];
	uint64_t number = 0;
	bool told = false;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd);
	FILE *info = fopen(path, "re");

	while (info && !told && fgets(line, sizeof(line), info))
		told = sscanf(line, "ino: %" SCNu64, &number) == 1;
	if (info)
		fclose(info);
	return told && number == inode;
}

static bool matches(const char *pid, const char *fd, const struct dmaheap_info *info)
{
	char path[300];
	struct stat st;

	if (!may_match(pid, fd, info->inode))
		return false;
	snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, fd);
	return !stat(path, &st) && st.st_dev == info->device && st.st_ino == info->inode;
}

static json_object *find_fds(const char *pid, const struct dmaheap_info *info)
{
	json_object *fds = json_object_new_array();
	char path[300];

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name) && matches(pid, entry->d_name, info))
			json_object_array_add(fds, json_object_new_int(atoi(entry->d_name)));
	if (dir)
		closedir(dir);
	return fds;
}

static bool maps_it(const char *line, const struct dmaheap_info *info)
{
	unsigned int major, minor;
	uint64_t inode;

	return sscanf(line, "%*s %*s %*s %x:%x %" SCNu64, &major, &minor, &inode) == 3 &&
	       makedev(major, minor) == info->device && inode == info->inode;
}

static int count_maps(const char *pid, const struct dmaheap_info *info)
{
	char path[300];
	char *line = NULL;
	size_t size = 0;
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	FILE *maps = fopen(path, "re");

	while (maps && getline(&line, &size, maps) > 0)
		count += maps_it(line, info);
	if (maps)
		fclose(maps);
	free(line);
	return count;
}

static json_object *command_of(const char *pid)
{
	char path[300], name[64] = "";

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	FILE *file = fopen(path, "re");

	if (file && fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
	return info_string(name);
}

static void add_process(json_object *holders, const char *pid, const struct dmaheap_info *info)
{
	json_object *fds = find_fds(pid, info);
	const int maps = count_maps(pid, info);

	if (!json_object_array_length(fds) && !maps) {
		json_object_put(fds);
		return;
	}
	json_object *holder = json_object_new_object();

	json_object_object_add(holder, "pid", json_object_new_int(atoi(pid)));
	json_object_object_add(holder, "command", command_of(pid));
	json_object_object_add(holder, "fds", fds);
	json_object_object_add(holder, "maps", json_object_new_int(maps));
	json_object_array_add(holders, holder);
}

json_object *holders_processes(const struct dmaheap_info *info)
{
	json_object *holders = json_object_new_array();
	DIR *dir = info->inode ? opendir("/proc") : NULL;
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name))
			add_process(holders, entry->d_name, info);
	if (dir)
		closedir(dir);
	return holders;
}

/* "size flags mode count exporter inode name", separated by tabs. */
static bool is_entry(const char *line, uint64_t *inode)
{
	return isxdigit((unsigned char)*line) &&
	       sscanf(line, "%*s %*s %*s %*s %*s %" SCNu64, inode) == 1;
}

/* An entry is followed by its fences, "Attached Devices:", a line for each, and a total. */
json_object *holders_devices(const struct dmaheap_info *info)
{
	FILE *file = info->inode ? fopen(BUFINFO, "re") : NULL;
	json_object *devices = file ? json_object_new_array() : NULL;
	bool ours = false, attached = false;
	char line[512], name[256];
	uint64_t inode;

	while (file && fgets(line, sizeof(line), file)) {
		if (is_entry(line, &inode))
			ours = inode == info->inode;
		else if (strstr(line, "Attached Devices:"))
			attached = true;
		else if (!strncmp(line, "Total ", 6))
			attached = false;
		else if (ours && attached && sscanf(line, "%255s", name) == 1)
			json_object_array_add(devices, info_string(name));
	}
	if (file)
		fclose(file);
	return devices;
}
