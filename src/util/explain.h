/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_EXPLAIN_H
#define UTIL_EXPLAIN_H

#include <stdarg.h>
#include <stdio.h>

/* Prints one line into @why and returns @error. */
__attribute__((format(printf, 3, 4))) static inline int explain(char why[static 256], int error,
								const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, 256, format, args);
	va_end(args);
	return error;
}

#endif
