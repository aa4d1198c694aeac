// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a mount to new files on a disk, with the programs that people use. It is
 * over when the disk has all.
 */
#include "raw.h"
#include "table.h"
#include "through.h"

#include <stddef.h>

#define SAVE                                   \
	{                                      \
		"dmaheapctl", "save", "<", ">" \
	}

/*
 * @here is the place, @plain the same without passthrough; then come the rows
 * without a mount.
 */
#define ROWS(here, plain, ...)                                                                   \
	{                                                                                        \
		{"cp from tmpfs", TMPFS, true, run_out, &(const struct through){.argv = CP_ALL}, \
		 TURN_ANY},                                                                      \
			TOOL_ROW("dd from tmpfs", TMPFS, run_out, DD_ONE),                       \
			TOOL_ROW("cp", here, run_out, CP_ALL),                                   \
			TOOL_ROW("cat", here, run_out, {"cat", "<"}, .each = true,               \
				 .output = true),                                                \
			TOOL_ROW("dd", here, run_out, DD_ONE),                                   \
			TOOL_ROW("toybox cp", here, run_out, {"toybox", "cp", "<<", ">>"}),      \
			TOOL_ROW("busybox cp", here, run_out, {"busybox", "cp", "<<", ">>"}),    \
			TOOL_ROW("dmaheapctl save", here, run_out, SAVE, .each = true),          \
			TOOL_ROW("plain FUSE: cp", plain, run_out, CP_ALL),                      \
			TOOL_ROW("plain FUSE: dd", plain, run_out, DD_ONE),                      \
			RAW_ROW("raw", __VA_ARGS__),                                             \
			{"fio direct from nowhere",	     NOWHERE, false, run_fio,            \
			 &(const struct raw){.write = true}, TURN_ANY},                          \
			{"limit: O_DIRECT write",                                                \
			 NOWHERE,                                                                \
			 false,                                                                  \
			 run_limit,                                                              \
			 &(const struct raw){.write = true},                                     \
			 TURN_ANY},                                                              \
	}

static const struct ratio ratios[] = {
	{RATIO_SPEED, "cp against copying without a mount", "cp", "raw", NULL},
	{RATIO_SPEED, "cp against the limit", "cp", "limit: O_DIRECT write", NULL},
	{RATIO_SPEED, "cp against cp from tmpfs", "cp", "cp from tmpfs", NULL},
	{RATIO_SPEED, "dmaheapctl save against cp", "dmaheapctl save", "cp", NULL},
	{RATIO_CPU, "CPU time of cp in that of cp from tmpfs", "cp", "cp from tmpfs", NULL},
	{},
};

const struct group group_out_dma_heap = {
	.name = "out-dma-heap",
	.what = "%N files of %S from a mount on a dma-heap to a disk; raw is direct c_f_r",
	.by_default = true,
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.unable = needs_dma_heap,
	.prepare = prepare_out,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows = ROWS(ON_DMA_HEAP, PLAIN_ON_DMA_HEAP, DMABUF, BY_COPY, .direct = true, .write = true,
		     .new_files = true),
};

const struct group group_out_udmabuf = {
	.name = "out-udmabuf",
	.what = "%N files of %S from a mount on udmabuf to a disk; raw is direct c_f_r",
	.by_default = true,
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.unable = needs_udmabuf,
	.prepare = prepare_out,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows = ROWS(ON_UDMABUF, PLAIN_ON_UDMABUF, UDMABUF, BY_COPY, .direct = true, .write = true,
		     .new_files = true),
};

const struct group group_out_shmem = {
	.name = "out-shmem",
	.what = "%N files of %S from a mount on shmem to a disk; raw is mmap of a memfd and "
		"direct write",
	.by_default = true,
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.prepare = prepare_out,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows = ROWS(ON_SHMEM, PLAIN_ON_SHMEM, MEMFD, BY_MAP, .direct = true, .write = true,
		     .new_files = true),
};
