// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A camera's queue keeps the buffers that it was ever given, also those that
 * it has just handed out: frames are saved meanwhile, and nothing is copied
 * into them. The camera is vivid, once for each way in which a queue holds
 * on to a buffer.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* one run of pages, which is what the camera that maps for a device wants */
#define SIZE	(1 * MIB)
#define RING	3
#define FRAMES	60

struct camera {
	int device;
	size_t frame;
	int ring[RING];
};

static char frame[SIZE] __attribute__((aligned(4096)));
static char saved[SIZE] __attribute__((aligned(4096)));
static char old[SIZE];

/* The nth camera: 0 maps buffers for the kernel, 1 for a device. */
static int open_camera(int nth)
{
	struct v4l2_capability capability;
	char path[32];
	int i, fd;

	for (i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), "/dev/video%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		CHECK_EQ(ioctl(fd, VIDIOC_QUERYCAP, &capability), 0);
		if (!strcmp((char *)capability.driver, "vivid") && !nth--)
			return fd;
		close(fd);
	}
	fail(__FILE__, __LINE__, "there are too few cameras");
}

static struct v4l2_buffer slot(struct camera *camera, unsigned int index)
{
	return (struct v4l2_buffer) {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.index = index,
		.m.fd = camera->ring[index],
	};
}

static void queue(struct camera *camera, unsigned int index)
{
	struct v4l2_buffer buffer = slot(camera, index);

	CHECK_EQ(ioctl(camera->device, VIDIOC_QBUF, &buffer), 0);
}

static unsigned int dequeue(struct camera *camera)
{
	struct v4l2_buffer buffer = slot(camera, 0);

	CHECK_EQ(ioctl(camera->device, VIDIOC_DQBUF, &buffer), 0);
	CHECK_EQ(buffer.bytesused, camera->frame);
	return buffer.index;
}

static void start(struct camera *camera, int nth, const char *kind)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = 640,
			.height = 360,
			.pixelformat = V4L2_PIX_FMT_YUYV,
		},
	};
	struct v4l2_requestbuffers request = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.count = RING,
	};
	unsigned int i;

	camera->device = open_camera(nth);
	CHECK_EQ(ioctl(camera->device, VIDIOC_S_FMT, &format), 0);
	camera->frame = format.fmt.pix.sizeimage;
	CHECK(camera->frame <= SIZE);
	CHECK_EQ(ioctl(camera->device, VIDIOC_REQBUFS, &request), 0);
	CHECK_EQ(request.count, RING);
	pattern(old, SIZE, 51);
	for (i = 0; i < RING; i++) {
		camera->ring[i] = make_buffer(kind, SIZE);
		poke(camera->ring[i], old, SIZE, 0);
		queue(camera, i);
	}
	CHECK_EQ(ioctl(camera->device, VIDIOC_STREAMON, &format.type), 0);
}

static void stop(struct camera *camera)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	CHECK_EQ(ioctl(camera->device, VIDIOC_STREAMOFF, &type), 0);
	CHECK_EQ(close(camera->device), 0);
}

/* Save a frame, and hold what is on the disk then against what was captured. */
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
		index = dequeue(&camera);
		save(&camera, camera.ring[index], file);
		CHECK_ERRNO(copy_once(file, 0, camera.ring[index], 0, 4096),
			    EBUSY);
		queue(&camera, index);
	}
	stop(&camera);

	/* what the queue has let go of is filled like any other */
	CHECK_EQ(copy_all(file, 0, camera.ring[0], 0, camera.frame),
		 camera.frame);
	expect(camera.ring[0], saved, camera.frame, 0);
}

static void captured_system(void) { captured(0, "system"); }
static void captured_udmabuf(void) { captured(0, "udmabuf"); }
static void captured_system_dma(void) { captured(1, "system"); }
static void captured_cma_dma(void) { captured(1, "cma"); }

CASE(
	{ "frames are saved from system buffers that the kernel has mapped",
	  captured_system },
	{ "frames are saved from udmabufs that the kernel has mapped",
	  captured_udmabuf },
	{ "frames are saved from system buffers that a device has mapped",
	  captured_system_dma },
	{ "frames are saved from contiguous buffers that a device has mapped",
	  captured_cma_dma },
)
