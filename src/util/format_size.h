/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_FORMAT_SIZE_H
#define UTIL_FORMAT_SIZE_H

#include <stddef.h>
#include <stdio.h>

/* Formats a number of bytes for people, such as "1.5 GiB". Returns @text. */
static inline const char *format_size(double bytes, char text[static 32])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	size_t unit = 0;

	for (; bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); bytes /= 1024)
		unit++;
	snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
	return text;
}

#endif
