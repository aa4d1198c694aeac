/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cameras, vivid's, that fill dma-bufs: a queue holds on to all that it was ever
 * given, also to those that it has just handed out.
 */
#ifndef CAMERA_H
#define CAMERA_H

#include <stddef.h>

/* A ring of buffers this large is enough for a frame. */
#define CAMERA_BUFFER (1024 * 1024)
#define CAMERA_RING   3

struct camera {
	int device;
	size_t frame;	       /* bytes of one */
	int ring[CAMERA_RING]; /* dma-bufs, to be set before the start */
};

/* The nth camera: 0 maps buffers for the kernel, 1 for a device. */
void camera_start(struct camera *camera, int nth);
void camera_stop(struct camera *camera);

/* Wait for a frame, whose place in the ring is returned, and give it back. */
unsigned int camera_take(struct camera *camera);
void camera_give(struct camera *camera, unsigned int index);

#endif
