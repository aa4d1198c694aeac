/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsers of numbers in options. Each returns 0, or -EINVAL and stores nothing. */
#ifndef UTIL_NUMBER_H
#define UTIL_NUMBER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * A number of bytes with an optional suffix in either case: k, m, g or t (powers of 1024),
 * the same with iB, or with B (powers of 1000). With a suffix it may have a fraction, as in
 * 1.5g. Or N% of the machine's memory. Accepts 1 to INT64_MAX.
 */
int parse_size(const char *text, uint64_t *size);

int parse_octal(const char *text, uint64_t *number);

/* A numeric user or group id, but not (uid_t)-1. */
int parse_id(const char *text, uid_t *id);

/* Returns a decimal number that is an int, or -1. */
int parse_whole(const char *text);

#endif
