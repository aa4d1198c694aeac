/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes for people to read. */
#ifndef CTL_AMOUNT_H
#define CTL_AMOUNT_H

/* "1.5 GiB"; returns @text. */
const char *amount(double bytes, char text[static 32]);

#endif
