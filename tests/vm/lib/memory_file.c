// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "memory_file.h"

#include "vm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

static bool is_mount(const struct memory_file *file)
{
	return strcmp(file->kind, "memfd") && strcmp(file->kind, "huge");
}

struct memory_file memory_file_create(const char *kind)
{
	struct memory_file file = {.kind = kind};
	char options[64];

	need_patched();
	if (is_mount(&file)) {
		snprintf(options, sizeof(options), "heap=%s,size=256m", kind);
		file.mount = mount_start(options);
		snprintf(file.path, sizeof(file.path), "%s/file", file.mount.dir);
	} else if (!strcmp(kind, "huge")) {
		strcpy(file.path, "/run/huge-XXXXXX");
		CHECK(mkdtemp(file.path));
		CHECK_EQ(mount("huge", file.path, "tmpfs", 0, "size=256m"), 0);
		/* a kernel without huge pages refuses the option */
		mount("huge", file.path, "tmpfs", MS_REMOUNT, "huge=always");
		strcat(file.path, "/file");
	} else {
		file.fd = memfd_create("memory-file", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		snprintf(file.path, sizeof(file.path), "/proc/%d/fd/%d", getpid(), file.fd);
		return file;
	}
	file.fd = open(file.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(file.fd >= 0);
	return file;
}

int memory_file_open(const struct memory_file *file, int flags)
{
	int fd = open(file->path, flags | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

void memory_file_destroy(struct memory_file *file)
{
	close(file->fd);
	if (is_mount(file))
		mount_end(&file->mount);
	else if (!strcmp(file->kind, "huge"))
		CHECK_EQ(umount2(strndup(file->path, strlen(file->path) - strlen("/file")), 0), 0);
}

int memory_file_direct(const struct memory_file *file)
{
	return is_mount(file) ? 0 : O_DIRECT;
}
