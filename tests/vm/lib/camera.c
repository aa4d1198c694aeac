// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "camera.h"

#include "vm.h"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
	return (struct v4l2_buffer){
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.index = index,
		.m.fd = camera->ring[index],
	};
}

void camera_give(struct camera *camera, unsigned int index)
{
	struct v4l2_buffer buffer = slot(camera, index);

	CHECK_EQ(ioctl(camera->device, VIDIOC_QBUF, &buffer), 0);
}

unsigned int camera_take(struct camera *camera)
{
	struct v4l2_buffer buffer = slot(camera, 0);

	CHECK_EQ(ioctl(camera->device, VIDIOC_DQBUF, &buffer), 0);
	CHECK_EQ(buffer.bytesused, camera->frame);
	return buffer.index;
}

void camera_start(struct camera *camera, int nth)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix =
			{
				.width = 640,
				.height = 360,
				.pixelformat = V4L2_PIX_FMT_YUYV,
			},
	};
	/* left alone it is one of 5 frames a second */
	struct v4l2_streamparm rate = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.parm.capture.timeperframe = {1, 60},
	};
	struct v4l2_requestbuffers request = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.count = CAMERA_RING,
	};
	unsigned int i;

	camera->device = open_camera(nth);
	CHECK_EQ(ioctl(camera->device, VIDIOC_S_FMT, &format), 0);
	camera->frame = format.fmt.pix.sizeimage;
	CHECK(camera->frame <= CAMERA_BUFFER);
	CHECK_EQ(ioctl(camera->device, VIDIOC_S_PARM, &rate), 0);
	CHECK_EQ(ioctl(camera->device, VIDIOC_REQBUFS, &request), 0);
	CHECK_EQ(request.count, CAMERA_RING);
	for (i = 0; i < CAMERA_RING; i++)
		camera_give(camera, i);
	CHECK_EQ(ioctl(camera->device, VIDIOC_STREAMON, &format.type), 0);
}

void camera_stop(struct camera *camera)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	CHECK_EQ(ioctl(camera->device, VIDIOC_STREAMOFF, &type), 0);
	CHECK_EQ(close(camera->device), 0);
}
