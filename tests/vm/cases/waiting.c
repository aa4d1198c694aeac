// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copies that have to wait, for a device's fence, for a frozen filesystem or
 * for a file that does not answer, hold nothing that others need meanwhile.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "slow.h"
#include "vm.h"

#include <drm.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/types.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* vgem's own ioctls; its fences signal by themselves after ten seconds */
struct vgem_fence_attach {
	__u32 handle, flags, out_fence, pad;
};
struct vgem_fence_signal {
	__u32 fence, flags;
};
#define VGEM_FENCE_WRITE  1
#define VGEM_FENCE_ATTACH DRM_IOWR(DRM_COMMAND_BASE + 1, struct vgem_fence_attach)
#define VGEM_FENCE_SIGNAL DRM_IOW(DRM_COMMAND_BASE + 2, struct vgem_fence_signal)

#define SIZE (256 * KIB)

static char content[SIZE], old[SIZE], have[SIZE];

static void prepare(int *buffer, int *file)
{
	need_patched();
	pattern(content, SIZE, 111);
	pattern(old, SIZE, 112);
	*buffer = make_buffer("system", SIZE);
	poke(*buffer, old, SIZE, 0);
	*file = make_file("xfs", "waiting", content, SIZE, O_RDWR | O_DIRECT);
}

/* Let vgem write to the buffer: a fence that it is to signal later. */
static uint32_t attach_fence(struct importer *vgem, int buffer)
{
	struct vgem_fence_attach attach = {.flags = VGEM_FENCE_WRITE};

	CHECK_EQ(hold(vgem, buffer), 0);
	attach.handle = vgem->handle;
	CHECK_EQ(ioctl(vgem->card, VGEM_FENCE_ATTACH, &attach), 0);
	return attach.out_fence;
}

static void signal_fence(struct importer *vgem, uint32_t fence)
{
	struct vgem_fence_signal signal = {.fence = fence};

	CHECK_EQ(ioctl(vgem->card, VGEM_FENCE_SIGNAL, &signal), 0);
}

/* A process that copies all of one file to the other, and its status. */
static pid_t start_copy(int in, int out)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		_exit(copy_all(in, 0, out, 0, SIZE) != (ssize_t)SIZE);
	return pid;
}

static void finish_copy(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void freeze(int file)
{
	CHECK_EQ(ioctl(file, FIFREEZE, 0), 0);
}

static void thaw(int file)
{
	CHECK_EQ(ioctl(file, FITHAW, 0), 0);
}

/* Run a function that might hang, with a time limit. */
static void must_be_quick(void (*what)(int), int file)
{
	double start = now();

	alarm(10);
	what(file);
	alarm(0);
	CHECK(now() - start < 5);
}

static void fence(void)
{
	struct importer vgem = open_importer("vgem");
	int buffer, file;
	uint32_t fence;
	pid_t pid;

	prepare(&buffer, &file);
	fence = attach_fence(&vgem, buffer);
	pid = start_copy(buffer, file);
	CHECK_EQ(outcome(pid, 500), -1);
	signal_fence(&vgem, fence);
	finish_copy(pid);
	read_at(open_file("xfs", "waiting", O_RDONLY), have, SIZE, 0);
	CHECK_EQ(first_difference(have, old, SIZE), -1);
}

static void killed_at_fence(void)
{
	struct importer vgem = open_importer("vgem");
	int buffer, file;
	uint32_t fence;
	pid_t pid;

	prepare(&buffer, &file);
	fence = attach_fence(&vgem, buffer);
	pid = start_copy(buffer, file);
	CHECK_EQ(outcome(pid, 300), -1);
	kill(pid, SIGKILL);
	CHECK_EQ(outcome(pid, 2000), 128 + SIGKILL);
	signal_fence(&vgem, fence);
}

/* The destination's filesystem is not held against a freezer by the wait. */
static void frozen_at_fence(void)
{
	struct importer vgem = open_importer("vgem");
	int buffer, file;
	uint32_t fence;
	pid_t pid;

	prepare(&buffer, &file);
	fence = attach_fence(&vgem, buffer);
	pid = start_copy(buffer, file);
	CHECK_EQ(outcome(pid, 300), -1);
	must_be_quick(freeze, file);
	signal_fence(&vgem, fence);
	CHECK_EQ(outcome(pid, 300), -1);
	must_be_quick(thaw, file);
	finish_copy(pid);
}

/* Neither is the source's by a copy into a buffer from a hung file. */
static void frozen_at_hung_source(void)
{
	struct slow_file slow;
	int buffer, file;
	pid_t pid;

	prepare(&buffer, &file);
	slow = slow_create(content, SIZE);
	pid = start_copy(slow.fd, buffer);
	slow_await_reader(&slow);
	must_be_quick(freeze, file);
	must_be_quick(thaw, file);
	slow_answer(&slow);
	finish_copy(pid);
	expect(buffer, content, SIZE, 0);
}

/* A frozen source can be read; a frozen destination waits for the thaw. */
static void frozen(void)
{
	int buffer, file;
	pid_t pid;

	prepare(&buffer, &file);
	freeze(file);
	pid = start_copy(file, buffer);
	CHECK_EQ(outcome(pid, 5000), 0);
	expect(buffer, content, SIZE, 0);
	pid = start_copy(buffer, file);
	CHECK_EQ(outcome(pid, 500), -1);
	thaw(file);
	finish_copy(pid);
}

/* Freeze and thaw under copies in both directions. */
static void freezing_storm(void)
{
	int buffer, file, i;
	pid_t copier;

	prepare(&buffer, &file);
	copier = fork();
	if (!copier)
		for (;;)
			if (copy_all(file, 0, buffer, 0, SIZE) < 0 ||
			    copy_all(buffer, 0, file, 0, SIZE) < 0)
				_exit(1);
	for (i = 0; i < 50; i++) {
		must_be_quick(freeze, file);
		usleep(2000);
		must_be_quick(thaw, file);
	}
	CHECK_EQ(outcome(copier, 20), -1);
	kill(copier, SIGKILL);
	CHECK_EQ(outcome(copier, 5000), 128 + SIGKILL);
	expect(buffer, content, SIZE, 0);
}

CASE({"a copy out waits for the fence of a device", fence},
     {"a copy that waits for a fence can be killed", killed_at_fence},
     {"a copy that waits for a fence lets its destination freeze", frozen_at_fence},
     {"a copy that waits for a hung file lets others freeze", frozen_at_hung_source},
     {"a frozen source is read, a frozen destination waited for", frozen},
     {"freezing and thawing under copies ends well", freezing_storm}, )
