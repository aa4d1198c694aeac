/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text that others chose, such as names, on its way to terminals, logs and JSON. Control
 * characters, and bytes that are not UTF-8, become "\xNN".
 */
#ifndef UTIL_ESCAPE_H
#define UTIL_ESCAPE_H

#include <stddef.h>

/* Writes as much of the escaped @text as fits into @size bytes, and a final 0. */
void escape(char *escaped, size_t size, const char *text);

/* The same in new memory, for the caller to free. NULL: out of memory. */
char *escape_new(const char *text);

#endif
