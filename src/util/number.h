/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as people write them. Each returns 0, or -EINVAL and stores nothing. */
#ifndef UTIL_NUMBER_H
#define UTIL_NUMBER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Bytes, or with k, m, g, t (either case) multiples of 1024; N% is that share
 * of the machine's memory. More than 0, and no more than the largest off_t.
 */
int parse_size(const char *text, uint64_t *size);

int parse_octal(const char *text, uint64_t *number);

/* A numeric user or group id; (uid_t)-1 is none. */
int parse_id(const char *text, uid_t *id);

#endif
