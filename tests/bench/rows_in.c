// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the disk through a mount, with common programs. The time of a copy includes the
 * allocation of the memory, and so does that of its rival without a mount.
 */
#include "raw.h"
#include "table.h"
#include "through.h"

#include <stddef.h>

#define DIRECT                                                                       \
	{                                                                            \
		"dd", "if=<", "of=/dev/null", "bs=4M", "iflag=direct", "status=none" \
	}
#define LOAD                                   \
	{                                      \
		"dmaheapctl", "load", "<", ">" \
	}

/*
 * @here is the place, @plain the same without passthrough; then come the rows
 * without a mount.
 */
#define ROWS(here, plain, ...)                                                                     \
	{                                                                                          \
		{"cp to tmpfs", TMPFS, true, run_in, &(const struct through){.argv = CP_ALL},      \
		 TURN_ANY},                                                                        \
			TOOL_ROW("dd to tmpfs", TMPFS, run_in, DD_ONE),                            \
			TOOL_ROW("cp", here, run_in, CP_ALL),                                      \
			TOOL_ROW("cp from .source", here, run_in, CP_ALL, .view = true),           \
			TOOL_ROW("cat", here, run_in, {"cat", "<"}, .each = true, .output = true), \
			TOOL_ROW("dd", here, run_in, DD_ONE),                                      \
			TOOL_ROW("toybox cp", here, run_in, {"toybox", "cp", "<<", ">>"}),         \
			TOOL_ROW("busybox cp", here, run_in, {"busybox", "cp", "<<", ">>"}),       \
			TOOL_ROW("dmaheapctl load", here, run_in, LOAD, .each = true),             \
			TOOL_ROW("plain FUSE: cp", plain, run_in, CP_ALL),                         \
			TOOL_ROW("plain FUSE: dd", plain, run_in, DD_ONE),                         \
			RAW_ROW("raw", __VA_ARGS__),                                               \
			TOOL_ROW("dd direct to nowhere", NOWHERE, run_in, DIRECT, .each = true,    \
				 .nowhere = true),                                                 \
			{"fio direct to nowhere",                                                  \
			 NOWHERE,                                                                  \
			 false,                                                                    \
			 run_fio,                                                                  \
			 &(const struct raw){.write = false},                                      \
			 TURN_ANY},                                                                \
			{"limit: O_DIRECT read",                                                   \
			 NOWHERE,                                                                  \
			 false,                                                                    \
			 run_limit,                                                                \
			 &(const struct raw){.write = false},                                      \
			 TURN_ANY},                                                                \
	}

static const struct ratio ratios[] = {
	{RATIO_TOTAL, "cp against making the memory and copying without a mount", "cp", "raw",
	 NULL},
	{RATIO_TOTAL, "cp against the limit", "cp", "limit: O_DIRECT read", NULL},
	{RATIO_TOTAL, "cp against cp to tmpfs", "cp", "cp to tmpfs", NULL},
	{RATIO_TOTAL, "cp from .source against cp to tmpfs", "cp from .source", "cp to tmpfs",
	 NULL},
	{RATIO_TOTAL, "dmaheapctl load against cp", "dmaheapctl load", "cp", NULL},
	{RATIO_CPU, "CPU time of cp in that of cp to tmpfs", "cp", "cp to tmpfs", NULL},
	{},
};

const struct group group_in_dma_heap = {
	.name = "in-dma-heap",
	.what = "%N files of %S from a disk into a mount on a dma-heap; raw is direct c_f_r",
	.by_default = true,
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.unable = needs_dma_heap,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows = ROWS(ON_DMA_HEAP, PLAIN_ON_DMA_HEAP, DMABUF, BY_COPY, .direct = true),
};

const struct group group_in_udmabuf = {
	.name = "in-udmabuf",
	.what = "%N files of %S from a disk into a mount on udmabuf; raw is direct c_f_r",
	.by_default = true,
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.unable = needs_udmabuf,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows = ROWS(ON_UDMABUF, PLAIN_ON_UDMABUF, UDMABUF, BY_COPY, .direct = true),
};

const struct group group_in_shmem = {
	.name = "in-shmem",
	.what = "%N files of %S from a disk into a mount on shmem; raw is mmap of a memfd and "
		"direct read",
	.by_default = true,
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows = ROWS(ON_SHMEM, PLAIN_ON_SHMEM, MEMFD, BY_MAP, .direct = true),
};
