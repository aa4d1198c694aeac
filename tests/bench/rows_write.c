// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of writes that came with v3 of "Optimizing disk file & dmabuf
 * copies". Files have their blocks already, and it is over when the disk has all.
 */
#include "raw.h"
#include "table.h"

#include <stddef.h>

#define WRITE .write = true

static const struct ratio ratios[] = {
	{RATIO_SPEED, "dma-buf, direct copy_file_range against the limit",
	 "8)   dmabuf direct c_f_r", "limit: O_DIRECT write", NULL},
	{RATIO_SPEED, "dma-buf, direct copy_file_range against mmap and buffered write",
	 "8)   dmabuf direct c_f_r", "1)Beg  dmabuf buffer R/W", "4.09"},
	{RATIO_SPEED, "udmabuf, direct copy_file_range against mmap of its memfd and direct write",
	 "6)  udmabuf direct c_f_r", "4) udma+memfd direct R/W", "1.10"},
	{RATIO_CPU,
	 "dma-buf, CPU time of direct copy_file_range in that of mmap and buffered write",
	 "8)   dmabuf direct c_f_r", "1)Beg  dmabuf buffer R/W", NULL},
	{RATIO_SPEED, "noise: the last row against the first, which is the same",
	 "9)End  dmabuf buffer R/W", "1)Beg  dmabuf buffer R/W", "0.97"},
	{},
};

const struct group group_write = {
	.name = "write",
	.what = "%N files of %S written from memory to a disk",
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows =
		{
			{"1)Beg  dmabuf buffer R/W", NOWHERE, true, run_raw,
			 &(const struct raw){.kind = DMABUF, .way = BY_MAP, .write = true},
			 TURN_FIRST},
			RAW_ROW("2)    udmabuf buffer R/W", UDMABUF, BY_MAP, WRITE),
			RAW_ROW("3) udma+memfd buffer R/W", UMFD, BY_MAP, WRITE),
			RAW_ROW("4) udma+memfd direct R/W", UMFD, BY_MAP, .direct = true, WRITE),
			RAW_ROW("5)  udmabuf buffer c_f_r", UDMABUF, BY_COPY, WRITE),
			RAW_ROW("6)  udmabuf direct c_f_r", UDMABUF, BY_COPY, .direct = true,
				WRITE),
			RAW_ROW("7)   dmabuf buffer c_f_r", DMABUF, BY_COPY, WRITE),
			RAW_ROW("8)   dmabuf direct c_f_r", DMABUF, BY_COPY, .direct = true, WRITE),
			{"9)End  dmabuf buffer R/W", NOWHERE, false, run_raw,
			 &(const struct raw){.kind = DMABUF, .way = BY_MAP, .write = true},
			 TURN_LAST},
			{"limit: O_DIRECT write", NOWHERE, false, run_limit,
			 &(const struct raw){.write = true}, TURN_ANY},
		},
};
