// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "\xNN" for a byte. */
#define LONGEST 4

/* The bytes that a first byte of UTF-8 announces, and its bits; 0 if it is none. */
static size_t length_of(unsigned char first, uint32_t *code)
{
	if (first < 0x80) {
		*code = first;
		return 1;
	}
	if (first >= 0xc2 && first < 0xe0) {
		*code = first & 0x1f;
		return 2;
	}
	if ((first & 0xf0) == 0xe0) {
		*code = first & 0x0f;
		return 3;
	}
	if (first >= 0xf0 && first < 0xf5) {
		*code = first & 0x07;
		return 4;
	}
	return 0;
}

static bool is_shown(uint32_t code, size_t length)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
	const bool surrogate = code >= 0xd800 && code < 0xe000;

	return !control && !surrogate && code >= least[length] && code <= 0x10ffff;
}

/* Returns the length of the character at @text if it may be shown, else 0. */
static size_t shown(const char *text)
{
	uint32_t code = 0;
	const size_t length = length_of((unsigned char)*text, &code);

	for (size_t i = 1; i < length; i++) {
		const unsigned char next = (unsigned char)text[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (next & 0x3f);
	}
	return length && is_shown(code, length) ? length : 0;
}

void escape(char *escaped, size_t size, const char *text)
{
	size_t at = 0;

	while (*text && at + LONGEST < size) {
		const size_t length = shown(text);

		if (length) {
			memcpy(escaped + at, text, length);
			at += length;
			text += length;
		} else {
			at += (size_t)snprintf(escaped + at, size - at, "\\x%02x",
					       (unsigned char)*text++);
		}
	}
	escaped[at] = '\0';
}

char *escape_new(const char *text)
{
	const size_t size = strlen(text) * LONGEST + LONGEST + 1;
	char *escaped = malloc(size);

	if (escaped)
		escape(escaped, size, text);
	return escaped;
}
