/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTL_FORMAT_SIZE_H
#define CTL_FORMAT_SIZE_H

/* Formats a size for people, such as "1.5 GiB". Returns @text. */
const char *format_size(double bytes, char text[static 32]);

#endif
