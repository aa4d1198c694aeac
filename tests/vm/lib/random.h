/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random operations on files: the same ones for the same seed. Positions and
 * lengths are mostly what goes wrong: near page and sector boundaries, tiny,
 * huge.
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* RANDOM_SEED and RANDOM_ROUNDS of the environment, or their defaults. */
uint64_t random_seed(void);
uint64_t random_rounds(uint64_t otherwise);

/* Below limit. */
size_t random_position(uint64_t *state, size_t limit);
/* At least 1, at most limit. */
size_t random_length(uint64_t *state, size_t limit);

#endif
