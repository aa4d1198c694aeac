// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A camera's queue keeps the buffers that it was ever given, also those that
 * it has just handed out: frames are saved meanwhile. The camera is vivid, once
 * for each way in which a queue holds on to a buffer.
 */
#define _GNU_SOURCE
#include "camera.h"
#include "memory.h"
#include "vm.h"

#include <fcntl.h>

/* one run of pages, as the camera with device mappings requires */
#define SIZE   CAMERA_BUFFER
#define FRAMES 60

static char frame[SIZE] __attribute__((aligned(4096)));
static char saved[SIZE] __attribute__((aligned(4096)));
static char old[SIZE];

static void start(struct camera *camera, int nth, const char *kind)
{
	unsigned int i;

	pattern(old, SIZE, 51);
	for (i = 0; i < CAMERA_RING; i++) {
		camera->ring[i] = make_buffer(kind, SIZE);
		poke(camera->ring[i], old, SIZE, 0);
	}
	camera_start(camera, nth);
}

/* Save a frame, and compare the file on the disk with the captured one. */
static void save(struct camera *camera, int buffer, int file)
{
	peek(buffer, frame, camera->frame, 0);
	CHECK(first_difference(frame, old, camera->frame) >= 0);
	CHECK_EQ(copy_all(buffer, 0, file, 0, camera->frame), camera->frame);
	read_at(open_file("ext4", "frame", O_RDONLY), saved, camera->frame, 0);
	CHECK_EQ(first_difference(saved, frame, camera->frame), -1);
}

static void captured(int nth, const char *kind)
{
	struct camera camera;
	unsigned int i, index;
	int file;

	need_patched();
	file = make_file("ext4", "frame", old, SIZE, O_RDWR | O_DIRECT);
	start(&camera, nth, kind);
	for (i = 0; i < FRAMES; i++) {
		index = camera_take(&camera);
		save(&camera, camera.ring[index], file);
		camera_give(&camera, index);
	}
	camera_stop(&camera);

	/* a buffer that the queue has released is filled like any other */
	CHECK_EQ(copy_all(file, 0, camera.ring[0], 0, camera.frame), camera.frame);
	expect(camera.ring[0], saved, camera.frame, 0);
}

static void captured_system(void)
{
	captured(0, "system");
}
static void captured_udmabuf(void)
{
	captured(0, "udmabuf");
}

static void captured_system_dma(void)
{
	if (!rig_is("uml"))
		unable("the camera reaches 4 GiB of memory, and there is more");
	captured(1, "system");
}

static void captured_cma_dma(void)
{
	captured(1, "cma");
}

CASE({"frames are saved from system buffers that the kernel has mapped", captured_system},
     {"frames are saved from udmabufs that the kernel has mapped", captured_udmabuf},
     {"frames are saved from system buffers that a device has mapped", captured_system_dma},
     {"frames are saved from contiguous buffers that a device has mapped", captured_cma_dma}, )
