// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of reads that came with v3 of "Optimizing disk file & dmabuf copies". */
#include "raw.h"
#include "table.h"

#include <stddef.h>

static const struct ratio ratios[] = {
	{RATIO_SPEED, "dma-buf, direct copy_file_range against the limit",
	 "22)   dmabuf direct c_f_r", "limit: O_DIRECT read", NULL},
	{RATIO_SPEED, "memfd, direct copy_file_range against mmap and direct read",
	 "10)    memfd direct c_f_r", "4)      memfd direct R/W", "1.18 (\"+15 %\")"},
	{RATIO_SPEED, "udmabuf, direct copy_file_range against mmap of its memfd and direct read",
	 "20)  udmabuf direct c_f_r", "12)      u+mfd direct R/W", "1.59 (\"+50 %\")"},
	{RATIO_SPEED, "dma-buf, direct copy_file_range against mmap and buffered read",
	 "22)   dmabuf direct c_f_r", "1)Beg  dmabuf buffer R/W", "3.71 (\"260 % faster\")"},
	{RATIO_SPEED, "direct copy_file_range, dma-buf against udmabuf",
	 "22)   dmabuf direct c_f_r", "20)  udmabuf direct c_f_r", "1.47 (\"40 % faster\")"},
	{RATIO_SAVED,
	 "CPU time of mmap and direct read that direct copy_file_range does without, "
	 "udmabuf",
	 "20)  udmabuf direct c_f_r", "12)      u+mfd direct R/W", "50 % (\"GUP ~50 % CPU\")"},
	{RATIO_CPU, "dma-buf, CPU time of direct copy_file_range in that of mmap and buffered read",
	 "22)   dmabuf direct c_f_r", "1)Beg  dmabuf buffer R/W", NULL},
	{RATIO_SPEED, "noise: the last row against the first, which is the same",
	 "23)End  dmabuf buffer R/W", "1)Beg  dmabuf buffer R/W", "0.997"},
	{},
};

const struct group group_read = {
	.name = "read",
	.what = "%N files of %S read from a disk into memory",
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows =
		{
			{"1)Beg  dmabuf buffer R/W", NOWHERE, true, run_raw,
			 &(const struct raw){.kind = DMABUF, .way = BY_MAP}, TURN_FIRST},
			RAW_ROW("2)    udmabuf buffer R/W", UDMABUF, BY_MAP),
			RAW_ROW("3)      memfd buffer R/W", MEMFD, BY_MAP),
			RAW_ROW("4)      memfd direct R/W", MEMFD, BY_MAP, .direct = true),
			RAW_ROW("5) memfd buffer sendfile", MEMFD, BY_SENDFILE),
			RAW_ROW("6) memfd direct sendfile", MEMFD, BY_SENDFILE, .direct = true),
			RAW_ROW("7)   memfd buffer splice", MEMFD, BY_SPLICE),
			RAW_ROW("8)   memfd direct splice", MEMFD, BY_SPLICE, .direct = true),
			RAW_ROW("9)    memfd buffer c_f_r", MEMFD, BY_COPY),
			RAW_ROW("10)    memfd direct c_f_r", MEMFD, BY_COPY, .direct = true),
			RAW_ROW("11)      u+mfd buffer R/W", UMFD, BY_MAP),
			RAW_ROW("12)      u+mfd direct R/W", UMFD, BY_MAP, .direct = true),
			RAW_ROW("13) u+mfd buffer sendfile", UMFD, BY_SENDFILE),
			RAW_ROW("14) u+mfd direct sendfile", UMFD, BY_SENDFILE, .direct = true),
			RAW_ROW("15)   u+mfd buffer splice", UMFD, BY_SPLICE),
			RAW_ROW("16)   u+mfd direct splice", UMFD, BY_SPLICE, .direct = true),
			RAW_ROW("17)    u+mfd buffer c_f_r", UMFD, BY_COPY),
			RAW_ROW("18)    u+mfd direct c_f_r", UMFD, BY_COPY, .direct = true),
			RAW_ROW("19)  udmabuf buffer c_f_r", UDMABUF, BY_COPY),
			RAW_ROW("20)  udmabuf direct c_f_r", UDMABUF, BY_COPY, .direct = true),
			RAW_ROW("21)   dmabuf buffer c_f_r", DMABUF, BY_COPY),
			RAW_ROW("22)   dmabuf direct c_f_r", DMABUF, BY_COPY, .direct = true),
			{"23)End  dmabuf buffer R/W", NOWHERE, false, run_raw,
			 &(const struct raw){.kind = DMABUF, .way = BY_MAP}, TURN_LAST},
			{"limit: O_DIRECT read", NOWHERE, false, run_limit,
			 &(const struct raw){.write = false}, TURN_ANY},
		},
};
