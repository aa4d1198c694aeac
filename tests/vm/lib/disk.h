/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small disks of one's own, that can be told to go bad. */
#ifndef DISK_H
#define DISK_H

#include <stddef.h>
#include <sys/types.h>

struct disk {
	char name[16], dir[32], loop[32], image[64];
	size_t size;
};

/* A mounted filesystem on a device-mapper disk over a loop device. */
struct disk disk_create(const char *filesystem, size_t size);
int disk_open(struct disk *disk, const char *name, int flags);
/* A file with that content, on disk and out of the cache. */
int disk_file(struct disk *disk, const char *name, const void *content, size_t len, int flags);
/* The page at pos of the file can from now on neither be read nor written. */
void disk_break(struct disk *disk, int file, off_t pos);
/* Every request takes that many milliseconds more from now on; 0 ends the wait. */
void disk_delay(struct disk *disk, unsigned int milliseconds);
/* Wait until that process waits for a disk. */
void disk_await(pid_t pid);
void disk_destroy(struct disk *disk);

#endif
