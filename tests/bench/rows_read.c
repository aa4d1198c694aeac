// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of reads that came with v3 of "Optimizing disk file & dmabuf copies". */
#include "raw.h"
#include "table.h"

#include <stddef.h>

#define ROW(name, ...)                                                                       \
	{                                                                                    \
		name, NOWHERE, false, run_raw, &(const struct raw){__VA_ARGS__}, TURN_ANY    \
	}

static const struct ratio ratios[] = {
	{RATIO_SPEED, "dma-buf, direct copy_file_range against the limit", "22)   dmabuf direct c_f_r",
	 "limit: O_DIRECT read", NULL},
	{RATIO_SPEED, "memfd, direct copy_file_range against mmap and direct read",
	 "10)    memfd direct c_f_r", "4)      memfd direct R/W", "1.15 (\"+15 %\")"},
	{RATIO_SPEED, "udmabuf, direct copy_file_range against mmap of its memfd and direct read",
	 "20)  udmabuf direct c_f_r", "12)      u+mfd direct R/W", "1.50 (\"+50 %\")"},
	{RATIO_SPEED, "dma-buf, direct copy_file_range against mmap and buffered read",
	 "22)   dmabuf direct c_f_r", "1)Beg  dmabuf buffer R/W", "3.6 (\"260 % faster\")"},
	{RATIO_SPEED, "direct copy_file_range, dma-buf against udmabuf",
	 "22)   dmabuf direct c_f_r", "20)  udmabuf direct c_f_r", "1.40 (\"40 % faster\")"},
	{RATIO_SAVED, "CPU time of mmap and direct read that direct copy_file_range does without, "
	 "udmabuf", "20)  udmabuf direct c_f_r", "12)      u+mfd direct R/W",
	 "50 % (\"GUP ~50 % CPU\")"},
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
	.rows = {
		{"1)Beg  dmabuf buffer R/W", NOWHERE, true, run_raw,
		 &(const struct raw){.kind = DMABUF, .way = BY_MAP}, TURN_FIRST},
		ROW("2)    udmabuf buffer R/W", .kind = UDMABUF, .way = BY_MAP),
		ROW("3)      memfd buffer R/W", .kind = MEMFD, .way = BY_MAP),
		ROW("4)      memfd direct R/W", .kind = MEMFD, .way = BY_MAP, .direct = true),
		ROW("5) memfd buffer sendfile", .kind = MEMFD, .way = BY_SENDFILE),
		ROW("6) memfd direct sendfile", .kind = MEMFD, .way = BY_SENDFILE, .direct = true),
		ROW("7)   memfd buffer splice", .kind = MEMFD, .way = BY_SPLICE),
		ROW("8)   memfd direct splice", .kind = MEMFD, .way = BY_SPLICE, .direct = true),
		ROW("9)    memfd buffer c_f_r", .kind = MEMFD, .way = BY_COPY),
		ROW("10)    memfd direct c_f_r", .kind = MEMFD, .way = BY_COPY, .direct = true),
		ROW("11)      u+mfd buffer R/W", .kind = UMFD, .way = BY_MAP),
		ROW("12)      u+mfd direct R/W", .kind = UMFD, .way = BY_MAP, .direct = true),
		ROW("13) u+mfd buffer sendfile", .kind = UMFD, .way = BY_SENDFILE),
		ROW("14) u+mfd direct sendfile", .kind = UMFD, .way = BY_SENDFILE, .direct = true),
		ROW("15)   u+mfd buffer splice", .kind = UMFD, .way = BY_SPLICE),
		ROW("16)   u+mfd direct splice", .kind = UMFD, .way = BY_SPLICE, .direct = true),
		ROW("17)    u+mfd buffer c_f_r", .kind = UMFD, .way = BY_COPY),
		ROW("18)    u+mfd direct c_f_r", .kind = UMFD, .way = BY_COPY, .direct = true),
		ROW("19)  udmabuf buffer c_f_r", .kind = UDMABUF, .way = BY_COPY),
		ROW("20)  udmabuf direct c_f_r", .kind = UDMABUF, .way = BY_COPY, .direct = true),
		ROW("21)   dmabuf buffer c_f_r", .kind = DMABUF, .way = BY_COPY),
		ROW("22)   dmabuf direct c_f_r", .kind = DMABUF, .way = BY_COPY, .direct = true),
		{"23)End  dmabuf buffer R/W", NOWHERE, false, run_raw,
		 &(const struct raw){.kind = DMABUF, .way = BY_MAP}, TURN_LAST},
		{"limit: O_DIRECT read", NOWHERE, false, run_limit, &(const struct raw){.write = false}, TURN_ANY},
	},
};
