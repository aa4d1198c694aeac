/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual screen that shows a buffer: vkms reads it through a kernel mapping
 * (vmap) for as long as it is shown.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include <stddef.h>
#include <stdint.h>

#define SCREEN_BYTES (1024 * 768 * 4)

struct screen {
	int card;
	uint32_t crtc, handle, frame;
};

struct screen screen_show(int buffer);
/* The screen's checksum: the same for the same picture. */
const char *screen_checksum(const struct screen *screen);
void screen_hide(struct screen *screen);

#endif
