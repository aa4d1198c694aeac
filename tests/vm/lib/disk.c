// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "disk.h"

#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512

/* Run a shell command, printf-style; end the test when it fails. */
static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *fmt, ...)
{
	char *command;
	va_list ap;

	va_start(ap, fmt);
	CHECK(vasprintf(&command, fmt, ap) > 0);
	va_end(ap);
	if (system(command))
		fail(__FILE__, __LINE__, "%s", command);
	free(command);
}

static void first_line(const char *command, char *line, size_t len)
{
	FILE *f = popen(command, "r");

	CHECK(f && fgets(line, len, f));
	line[strcspn(line, "\n")] = '\0';
	pclose(f);
}

struct disk disk_create(const char *filesystem, size_t size)
{
	struct disk disk = {.size = size};
	char command[128];

	snprintf(disk.name, sizeof(disk.name), "test%d", getpid());
	snprintf(disk.dir, sizeof(disk.dir), "/run/%s", disk.name);
	snprintf(disk.image, sizeof(disk.image), "/data/xfs/%s", disk.name);
	run("truncate -s %zu %s", size, disk.image);
	snprintf(command, sizeof(command), "losetup -f --show %s", disk.image);
	first_line(command, disk.loop, sizeof(disk.loop));
	run("dmsetup create --noudevsync %s --table '0 %zu linear %s 0'", disk.name, size / SECTOR,
	    disk.loop);
	run("dmsetup mknodes %s >/dev/null", disk.name);
	run("mkfs.%s -q /dev/mapper/%s", filesystem, disk.name);
	CHECK_EQ(mkdir(disk.dir, 0755), 0);
	run("mount -t %s /dev/mapper/%s %s", filesystem, disk.name, disk.dir);
	return disk;
}

int disk_open(struct disk *disk, const char *name, int flags)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", disk->dir, name);
	fd = open(path, flags | O_CLOEXEC, 0644);
	CHECK(fd >= 0);
	return fd;
}

int disk_file(struct disk *disk, const char *name, const void *content, size_t len, int flags)
{
	int fd = disk_open(disk, name, O_CREAT | O_TRUNC | O_RDWR);

	write_at(fd, content, len, 0);
	forget_cache(fd);
	close(fd);
	return disk_open(disk, name, flags);
}

/* The position on the disk of the byte at pos of the file. */
static off_t physical(int file, off_t pos)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent;
	} f = {
		.map =
			{
				.fm_start = pos,
				.fm_length = 1,
				.fm_flags = FIEMAP_FLAG_SYNC,
				.fm_extent_count = 1,
			},
	};

	CHECK_EQ(ioctl(file, FS_IOC_FIEMAP, &f.map), 0);
	CHECK_EQ(f.map.fm_mapped_extents, 1);
	return f.extent.fe_physical + (pos - f.extent.fe_logical);
}

/* Put another table in the place of the disk's. */
static void reload(struct disk *disk, const char *table)
{
	run("dmsetup suspend --noudevsync --nolockfs %s", disk->name);
	run("printf '%s' | dmsetup reload %s", table, disk->name);
	run("dmsetup resume --noudevsync %s", disk->name);
}

void disk_break(struct disk *disk, int file, off_t pos)
{
	size_t bad = physical(file, pos) / SECTOR;
	size_t nr = getpagesize() / SECTOR;
	char table[256];

	snprintf(table, sizeof(table),
		 "0 %zu linear %s 0\\n%zu %zu error\\n%zu %zu linear %s %zu\\n", bad, disk->loop,
		 bad, nr, bad + nr, disk->size / SECTOR - bad - nr, disk->loop, bad + nr);
	reload(disk, table);
}

void disk_delay(struct disk *disk, unsigned int milliseconds)
{
	char table[128];

	snprintf(table, sizeof(table), "0 %zu delay %s 0 %u\\n", disk->size / SECTOR, disk->loop,
		 milliseconds);
	reload(disk, table);
}

static bool waits(pid_t pid)
{
	char path[32], state;
	bool found;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	found = f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1 && state == 'D';
	if (f)
		fclose(f);
	return found;
}

/* Others are waited for like that, too, but not for long. */
void disk_await(pid_t pid)
{
	int seen = 0;

	for (; seen < 10; usleep(10000))
		seen = waits(pid) ? seen + 1 : 0;
}

void disk_destroy(struct disk *disk)
{
	/* open files go with the test's process */
	run("umount -l %s", disk->dir);
	rmdir(disk->dir);
	run("dmsetup remove --noudevsync --deferred %s", disk->name);
	run("losetup -d %s", disk->loop);
	unlink(disk->image);
}
