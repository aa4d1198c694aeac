/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A group's sentences about pairs of rows. */
#ifndef BENCH_RATIO_H
#define BENCH_RATIO_H

#include "report.h"
#include "sample.h"

/* False if one of the rows has no values. */
bool ratio_find(const struct settings *settings, const struct lanes *lanes,
		const struct ratio *ratio, struct spread *spread);

/* Times as fast, which has a spread; or a percentage, which is of all runs together. */
bool ratio_is_speed(const struct ratio *ratio);

#endif
