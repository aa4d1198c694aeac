// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of udmabufs that came with v3 of "Optimizing disk file & dmabuf copies". */
#include "raw.h"
#include "table.h"

#include <stddef.h>

static const struct ratio ratios[] = {
	{RATIO_SPEED, "direct copy_file_range against the limit", "10)  udmabuf direct c_f_r",
	 "limit: O_DIRECT read", NULL},
	{RATIO_SPEED, "direct copy_file_range against mmap of the memfd and direct read",
	 "10)  udmabuf direct c_f_r", "4) udma+memfd direct R/W", "1.67 (\"over 50 %\")"},
	{RATIO_SPEED, "direct copy_file_range against mmap and buffered read",
	 "10)  udmabuf direct c_f_r", "1)Beg udmabuf buffer R/W", "2.94"},
	{RATIO_SPEED, "noise: the last row against the first, which is the same",
	 "11)End udmabuf buffer R/W", "1)Beg udmabuf buffer R/W", "1.04"},
	{},
};

const struct group group_udmabuf = {
	.name = "udmabuf",
	.what = "%N files of %S read from a disk into udmabufs",
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows =
		{
			{"1)Beg udmabuf buffer R/W", NOWHERE, true, run_raw,
			 &(const struct raw){.kind = UDMABUF, .way = BY_MAP}, TURN_FIRST},
			RAW_ROW("2)     dmabuf buffer R/W", DMABUF, BY_MAP),
			RAW_ROW("3) udma+memfd buffer R/W", UMFD, BY_MAP),
			RAW_ROW("4) udma+memfd direct R/W", UMFD, BY_MAP, .direct = true),
			RAW_ROW("5) u+mfd buffer sendfile", UMFD, BY_SENDFILE),
			RAW_ROW("6) u+mfd direct sendfile", UMFD, BY_SENDFILE, .direct = true),
			RAW_ROW("7)   u+mfd buffer splice", UMFD, BY_SPLICE),
			RAW_ROW("8)   u+mfd direct splice", UMFD, BY_SPLICE, .direct = true),
			RAW_ROW("9)  udmabuf buffer c_f_r", UDMABUF, BY_COPY),
			RAW_ROW("10)  udmabuf direct c_f_r", UDMABUF, BY_COPY, .direct = true),
			{"11)End udmabuf buffer R/W", NOWHERE, false, run_raw,
			 &(const struct raw){.kind = UDMABUF, .way = BY_MAP}, TURN_LAST},
			{"limit: O_DIRECT read", NOWHERE, false, run_limit,
			 &(const struct raw){.write = false}, TURN_ANY},
		},
};
