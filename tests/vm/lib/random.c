// SPDX-License-Identifier: GPL-2.0-or-later
#include "random.h"

#include "vm.h"

#include <stdlib.h>

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

uint64_t random_seed(void)
{
	return from_environment("RANDOM_SEED", 20250530);
}

uint64_t random_rounds(uint64_t otherwise)
{
	return from_environment("RANDOM_ROUNDS", otherwise);
}

size_t random_position(uint64_t *state, size_t limit)
{
	static const size_t grid[] = {1, 512, 4096, 65536};
	size_t step = grid[rnd_below(state, ARRAY_SIZE(grid))];
	size_t pos = rnd_below(state, limit) / step * step;

	if (!rnd_below(state, 4))
		pos += rnd_below(state, 3) - 1;
	return pos < limit ? pos : limit - 1;
}

size_t random_length(uint64_t *state, size_t limit)
{
	const size_t scale[] = {16, 5000, 70000, limit};

	return 1 + random_position(state, scale[rnd_below(state, 4)]) % limit;
}
