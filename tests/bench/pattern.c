// SPDX-License-Identifier: GPL-2.0-or-later
#include "pattern.h"

#include <pthread.h>
#include <string.h>

#define PAGES 256u

static unsigned char noise[PAGES][PATTERN_PAGE];

/* xorshift64 */
uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void make_noise(void)
{
	uint64_t state = 88172645463325252;

	for (size_t i = 0; i < sizeof(noise); i += sizeof(state)) {
		const uint64_t word = draw(&state);

		memcpy((unsigned char *)noise + i, &word, sizeof(word));
	}
}

static const unsigned char *noise_page(uint64_t page)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_noise);
	return noise[page % PAGES];
}

struct stamp {
	uint64_t owner, page;
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void pattern_fill(void *memory, uint64_t owner, uint64_t position, size_t length)
{
	for (size_t at = 0; at < length; at += PATTERN_PAGE) {
		const struct stamp stamp = {owner, (position + at) / PATTERN_PAGE};
		const size_t piece = least(length - at, PATTERN_PAGE);

		memcpy((char *)memory + at, noise_page(stamp.page), piece);
		memcpy((char *)memory + at, &stamp, least(piece, sizeof(stamp)));
	}
}

static int page_differs(const char *page, const struct stamp *stamp, size_t length)
{
	const size_t head = least(length, sizeof(*stamp));

	return memcmp(page, stamp, head) ||
	       memcmp(page + head, noise_page(stamp->page) + head, length - head);
}

uint64_t pattern_check(const void *memory, uint64_t owner, uint64_t position, size_t length)
{
	for (size_t at = 0; at < length; at += PATTERN_PAGE) {
		const struct stamp stamp = {owner, (position + at) / PATTERN_PAGE};

		if (page_differs((const char *)memory + at, &stamp,
				 least(length - at, PATTERN_PAGE)))
			return position + at;
	}
	return PATTERN_SAME;
}
