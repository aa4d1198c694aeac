// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "screen.h"

#include "memory.h"
#include "vm.h"

#include <drm.h>
#include <drm_fourcc.h>
#include <drm_mode.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The first of the screen's modes that is 1024 x 768. */
static struct drm_mode_modeinfo find_mode(int card, uint32_t connector)
{
	struct drm_mode_modeinfo modes[64];
	struct drm_mode_get_connector get = {
		.connector_id = connector,
	};
	unsigned int i;

	CHECK_EQ(ioctl(card, DRM_IOCTL_MODE_GETCONNECTOR, &get), 0);
	CHECK(get.count_modes <= ARRAY_SIZE(modes));
	get = (struct drm_mode_get_connector){
		.connector_id = connector,
		.modes_ptr = (uintptr_t)modes,
		.count_modes = get.count_modes,
	};
	CHECK_EQ(ioctl(card, DRM_IOCTL_MODE_GETCONNECTOR, &get), 0);
	for (i = 0; i < get.count_modes; i++)
		if (modes[i].hdisplay == 1024 && modes[i].vdisplay == 768)
			return modes[i];
	fail(__FILE__, __LINE__, "the screen has no mode of 1024 x 768");
}

struct screen screen_show(int buffer)
{
	struct importer importer = open_importer("vkms");
	uint32_t crtcs[8], connectors[8];
	struct drm_mode_card_res res = {
		.crtc_id_ptr = (uintptr_t)crtcs,
		.count_crtcs = 8,
		.connector_id_ptr = (uintptr_t)connectors,
		.count_connectors = 8,
	};
	struct drm_mode_fb_cmd2 frame = {
		.width = 1024,
		.height = 768,
		.pixel_format = DRM_FORMAT_XRGB8888,
		.pitches = {1024 * 4},
	};
	struct drm_mode_crtc crtc = {.count_connectors = 1};
	struct screen screen = {.card = importer.card};

	CHECK_EQ(hold(&importer, buffer), 0);
	screen.handle = importer.handle;
	CHECK_EQ(ioctl(screen.card, DRM_IOCTL_MODE_GETRESOURCES, &res), 0);
	CHECK(res.count_crtcs && res.count_connectors);
	frame.handles[0] = screen.handle;
	CHECK_EQ(ioctl(screen.card, DRM_IOCTL_MODE_ADDFB2, &frame), 0);
	screen.frame = frame.fb_id;
	screen.crtc = crtcs[0];
	crtc.crtc_id = screen.crtc;
	crtc.fb_id = screen.frame;
	crtc.set_connectors_ptr = (uintptr_t)connectors;
	crtc.mode_valid = 1;
	crtc.mode = find_mode(screen.card, connectors[0]);
	CHECK_EQ(ioctl(screen.card, DRM_IOCTL_MODE_SETCRTC, &crtc), 0);
	return screen;
}

const char *screen_checksum(const struct screen *screen)
{
	static char line[64];
	char path[64], *end;
	struct stat st;
	int data, i;

	CHECK_EQ(fstat(screen->card, &st), 0);
	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%u/crtc-0/crc/data", minor(st.st_rdev));
	data = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(data >= 0);
	/* the first frame may have begun before; a line is "FRAME CHECKSUM" */
	for (i = 0; i < 3; i++) {
		ssize_t size = read(data, line, sizeof(line) - 1);

		CHECK(size > 0);
		line[size] = '\0';
	}
	close(data);
	end = strrchr(line, '\n');
	CHECK(end && strchr(line, ' '));
	*end = '\0';
	return strchr(line, ' ') + 1;
}

void screen_hide(struct screen *screen)
{
	struct importer importer = {
		.card = screen->card,
		.handle = screen->handle,
	};
	struct drm_mode_crtc off = {.crtc_id = screen->crtc};

	CHECK_EQ(ioctl(screen->card, DRM_IOCTL_MODE_SETCRTC, &off), 0);
	CHECK_EQ(ioctl(screen->card, DRM_IOCTL_MODE_RMFB, &screen->frame), 0);
	let_go(&importer);
	close(screen->card);
}
