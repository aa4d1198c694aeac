// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A FUSE file with memory meets other files that are not ordinary: bare
 * dma-bufs, and overlayfs on top of it.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "server.h"
#include "vm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE   (1 * MIB + 1234)
#define BUFFER (2 * MIB)

static char content[SIZE], old[BUFFER], have[BUFFER];
static const struct server_options passing = {.open = OPEN_PASSTHROUGH};

/* A server whose file is full; the file is opened when it has its memory. */
static struct server prepare(int *file)
{
	struct server server;
	int source, first;

	need_patched();
	pattern(content, SIZE, 201);
	pattern(old, BUFFER, 202);
	source = make_file("ext4", "fuse-others", content, SIZE, O_RDONLY);
	server = server_create(&passing);
	first = server_open(&server, O_RDWR);
	CHECK_EQ(copy_all(source, 0, first, 0, SIZE), SIZE);
	close(first);
	*file = server_open(&server, O_RDWR);
	return server;
}

/* A program reads and writes if the kernel does not copy. */
static void move(int in, off_t from, int out, off_t to, size_t len)
{
	ssize_t ret = copy_all(in, from, out, to, len);

	if (ret == -EXDEV) {
		note("it is EXDEV");
		read_at(in, have, len, from);
		write_at(out, have, len, to);
	} else {
		CHECK_EQ(ret, len);
	}
}

static void to_buffer(const char *kind)
{
	int file, buffer;
	struct server server = prepare(&file);

	buffer = make_buffer(kind, BUFFER);
	poke(buffer, old, BUFFER, 0);
	move(file, 777, buffer, 5000, SIZE - 777);
	memcpy(old + 5000, content + 777, SIZE - 777);
	expect(buffer, old, BUFFER, 0);
	server_destroy(&server);
}

static void from_buffer(const char *kind)
{
	int file, buffer;
	struct server server = prepare(&file);
	struct stat st;

	buffer = make_buffer(kind, BUFFER);
	poke(buffer, old, BUFFER, 0);
	/* over the end, so that the file gets longer */
	move(buffer, 4096, file, SIZE - 100, 100000);
	CHECK_EQ(fstat(file, &st), 0);
	CHECK_EQ(st.st_size, SIZE - 100 + 100000);
	read_at(file, have, SIZE - 100, 0);
	CHECK_EQ(first_difference(have, content, SIZE - 100), -1);
	read_at(file, have, 100000, SIZE - 100);
	CHECK_EQ(first_difference(have, old + 4096, 100000), -1);
	expect(buffer, old, BUFFER, 0);
	server_destroy(&server);
}

static void to_system(void)
{
	to_buffer("system");
}
static void to_udmabuf(void)
{
	to_buffer("udmabuf");
}
static void from_system(void)
{
	from_buffer("system");
}
static void from_udmabuf(void)
{
	from_buffer("udmabuf");
}

/* The same file through overlayfs; writes there go to ext4. */
struct overlay {
	char dir[48], path[56];
};

static struct overlay overlay_over(struct server *server)
{
	struct overlay overlay = {.dir = "/run/overlay-XXXXXX"};
	char options[256];

	CHECK_EQ(system("rm -rf /data/ext4/over; mkdir -p /data/ext4/over/upper "
			"/data/ext4/over/work"),
		 0);
	CHECK(mkdtemp(overlay.dir));
	snprintf(options, sizeof(options),
		 "lowerdir=%s,upperdir=/data/ext4/over/upper,workdir=/data/ext4/over/work",
		 server->dir);
	CHECK_EQ(mount("overlay", overlay.dir, "overlay", 0, options), 0);
	snprintf(overlay.path, sizeof(overlay.path), "%s/file", overlay.dir);
	return overlay;
}

static void overlay_end(struct overlay *overlay)
{
	CHECK_EQ(umount2(overlay->dir, MNT_DETACH), 0);
	rmdir(overlay->dir);
}

static void overlay_read(void)
{
	int file, over, target;
	struct server server = prepare(&file);
	struct overlay overlay = overlay_over(&server);
	char *map;

	over = open(overlay.path, O_RDONLY | O_CLOEXEC);
	CHECK(over >= 0);
	read_at(over, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	target = make_file("xfs", "fuse-others", old, 3, O_RDWR);
	move(over, 0, target, 0, SIZE);
	read_at(target, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, over, 0);
	CHECK(map != MAP_FAILED);
	CHECK_EQ(first_difference(map, content, SIZE), -1);
	CHECK_EQ(munmap(map, SIZE), 0);
	close(over);
	overlay_end(&overlay);
	server_destroy(&server);
}

/* A write takes it up to the filesystem on top, and leaves it alone below. */
static void overlay_write(void)
{
	int file, over;
	struct server server = prepare(&file);
	struct overlay overlay = overlay_over(&server);

	over = open(overlay.path, O_RDWR | O_CLOEXEC);
	CHECK(over >= 0);
	write_at(over, old, 5000, 1000);
	read_at(file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	memcpy(content + 1000, old, 5000);
	read_at(over, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	close(over);
	overlay_end(&overlay);
	server_destroy(&server);
}

/* From the overlay into the file itself, without a deadlock. */
static void overlay_onto_itself(void)
{
	int file, over;
	struct server server = prepare(&file);
	struct overlay overlay = overlay_over(&server);

	over = open(overlay.path, O_RDONLY | O_CLOEXEC);
	CHECK(over >= 0);
	move(over, 0, file, 0, SIZE);
	read_at(file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	move(over, 0, file, BUFFER, 4096);
	read_at(file, have, 4096, BUFFER);
	CHECK_EQ(first_difference(have, content, 4096), -1);
	close(over);
	overlay_end(&overlay);
	server_destroy(&server);
}

CASE({"a copy to a system buffer is exact, or EXDEV", to_system},
     {"a copy to a udmabuf is exact, or EXDEV", to_udmabuf},
     {"a copy from a system buffer is exact, or EXDEV", from_system},
     {"a copy from a udmabuf is exact, or EXDEV", from_udmabuf},
     {"overlayfs over the file shows it", overlay_read},
     {"overlayfs takes it up when it is written to", overlay_write},
     {"a copy from overlayfs over the file to itself ends", overlay_onto_itself}, )
