/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is a file for every call: a memfd, and files of mounts on heaps of such. */
#ifndef MEMORY_FILE_H
#define MEMORY_FILE_H

#include "mount.h"

struct memory_file {
	const char *kind;
	struct mount mount; /* not of a memfd */
	char path[64];
	int fd; /* for reading and writing */
};

/*
 * An empty one. Kinds are "memfd", "huge" for a file on a tmpfs with huge=always, and the
 * heaps "shmem" and "udmabuf".
 */
struct memory_file memory_file_create(const char *kind);
int memory_file_open(const struct memory_file *file, int flags);
void memory_file_destroy(struct memory_file *file);

/*
 * The flag that the file on the other side of a copy has to be open with. Mounts ask for
 * direct I/O themselves.
 */
int memory_file_direct(const struct memory_file *file);

#endif
