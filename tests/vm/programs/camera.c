// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * camera NTH FRAMES FILE COMMAND FD FD FD
 *
 * Has the nth camera fill the dma-bufs that are these fds. For each frame the
 * shell runs COMMAND, with $place the frame's place in the ring, 0 to 2, while the
 * camera fills the others; FILE must be the frame then.
 */
#define _GNU_SOURCE
#include "camera.h"

#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char taken[CAMERA_BUFFER], before[CAMERA_BUFFER], saved[CAMERA_BUFFER];

static void save(const char *command, unsigned int place)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", place);
	setenv("place", text, 1);
	CHECK_EQ(system(command), 0);
}

static void check_saved(const char *path, size_t size)
{
	int file = open(path, O_RDONLY);

	CHECK(file >= 0);
	read_at(file, saved, size, 0);
	CHECK_EQ(first_difference(saved, taken, size), -1);
	close(file);
}

int main(int argc, char **argv)
{
	struct camera camera;
	unsigned int frames, i, place, changes = 0;
	double start = now();

	CHECK_EQ(argc, 5 + CAMERA_RING);
	frames = atoi(argv[2]);
	for (i = 0; i < CAMERA_RING; i++)
		camera.ring[i] = atoi(argv[5 + i]);
	camera_start(&camera, atoi(argv[1]));
	for (i = 0; i < frames; i++) {
		place = camera_take(&camera);
		peek(camera.ring[place], taken, camera.frame, 0);
		changes += first_difference(taken, before, camera.frame) >= 0;
		memcpy(before, taken, camera.frame);
		save(argv[4], place);
		check_saved(argv[3], camera.frame);
		camera_give(&camera, place);
	}
	camera_stop(&camera);
	/* its picture moves, so these were frames and no leftovers */
	CHECK(changes > frames / 2);
	printf("%u frames in %.1f s\n", frames, now() - start);
	return 0;
}
