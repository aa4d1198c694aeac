/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The argument of --checksum=. */
#ifndef CTL_CHECKSUM_H
#define CTL_CHECKSUM_H

#include <stdbool.h>
#include <stdint.h>

#define CHECKSUM_BYTES 32

struct checksum {
	bool wanted;
	unsigned char bytes[CHECKSUM_BYTES];
};

/* "sha256:" and 64 hexadecimal digits. 0 or -EINVAL. */
int checksum_parse(const char *text, struct checksum *checksum);

/*
 * Compares the first @size bytes of @file with the checksum. 0, -EBADMSG if they differ,
 * -EINTR if progress_was_interrupted(), or another -errno.
 */
int checksum_check(const struct checksum *checksum, int file, uint64_t size);

#endif
