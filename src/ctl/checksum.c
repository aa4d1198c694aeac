// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/checksum.h"

#include "ctl/progress.h"
#include "util/scope.h"

#include <ctype.h>
#include <errno.h>
#include <gcrypt.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "sha256:"
#define PIECE  (1u << 20)

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

int checksum_parse(const char *text, struct checksum *checksum)
{
	const char *hex = text + strlen(PREFIX);

	if (strncmp(text, PREFIX, strlen(PREFIX)) || strlen(hex) != (size_t)2 * CHECKSUM_BYTES)
		return -EINVAL;
	for (size_t i = 0; i < CHECKSUM_BYTES; i++) {
		const int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		checksum->bytes[i] = (unsigned char)(high << 4 | low);
	}
	checksum->wanted = true;
	return 0;
}

static int add_piece(gcry_md_hd_t digest, char *piece, int file, uint64_t at, uint64_t size)
{
	const size_t wanted = size - at < PIECE ? (size_t)(size - at) : PIECE;
	const ssize_t n = pread(file, piece, wanted, (off_t)at);

	if (progress_was_interrupted())
		return -EINTR;
	if (n <= 0)
		return n ? -errno : -EIO;
	gcry_md_write(digest, piece, (size_t)n);
	return (int)n;
}

static int add_file(gcry_md_hd_t digest, int file, uint64_t size)
{
	scope(free) char *piece = malloc(PIECE);

	if (!piece)
		return -ENOMEM;
	for (uint64_t at = 0; at < size;) {
		const int n = add_piece(digest, piece, file, at, size);

		if (n < 0)
			return n;
		at += (uint64_t)n;
	}
	return 0;
}

int checksum_check(const struct checksum *checksum, int file, uint64_t size)
{
	gcry_md_hd_t digest;

	gcry_check_version(NULL);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	if (gcry_md_open(&digest, GCRY_MD_SHA256, 0))
		return -ENOSYS;
	int error = add_file(digest, file, size);

	if (!error && memcmp(gcry_md_read(digest, 0), checksum->bytes, CHECKSUM_BYTES))
		error = -EBADMSG;
	gcry_md_close(digest);
	return error;
}
