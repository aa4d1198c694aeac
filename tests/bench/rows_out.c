// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a mount to new files on a disk, with the programs that people use. It is
 * over when the disk has all.
 */
#include "raw.h"
#include "table.h"
#include "through.h"

#include <stddef.h>

#define TOOL(name, place, ...)                                                               \
	{                                                                                    \
		name, place, false, run_out, &(const struct through){.argv = __VA_ARGS__}, TURN_ANY  \
	}
#define CP {"cp", "<<", ">>"}
#define DD {"dd", "if=<", "of=>", "bs=1M", "status=none"}

#define ROWS(here, plain, bare)                                                              \
	{                                                                                    \
		{"cp from tmpfs", TMPFS, true, run_out, &(const struct through){.argv = CP}, TURN_ANY},        \
		TOOL("dd from tmpfs", TMPFS, DD, .each = true),                              \
		TOOL("cp", here, CP),                                                        \
		TOOL("cat", here, {"cat", "<"}, .each = true, .output = true),               \
		TOOL("dd", here, DD, .each = true),                                          \
		TOOL("toybox cp", here, {"toybox", "cp", "<<", ">>"}),                       \
		TOOL("busybox cp", here, {"busybox", "cp", "<<", ">>"}),                     \
		TOOL("dmaheapctl save", here, {"dmaheapctl", "save", "<", ">"}, .each = true), \
		TOOL("cp, plain FUSE", plain, CP),                                           \
		TOOL("dd, plain FUSE", plain, DD, .each = true),                             \
		{"raw", NOWHERE, false, run_raw, bare, TURN_ANY},                                       \
		{"limit: O_DIRECT write", NOWHERE, false, run_limit,                         \
		 &(const struct raw){.write = true}, TURN_ANY},                                        \
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
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.unable = needs_dma_heap,
	.prepare = prepare_out,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows = ROWS(ON_DMA_HEAP, PLAIN_ON_DMA_HEAP,
		     (&(const struct raw){.kind = DMABUF, .way = BY_COPY, .direct = true, .write = true, .new_files = true})),
};

const struct group group_out_udmabuf = {
	.name = "out-udmabuf",
	.what = "%N files of %S from a mount on udmabuf to a disk; raw is direct c_f_r",
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.unable = needs_udmabuf,
	.prepare = prepare_out,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows = ROWS(ON_UDMABUF, PLAIN_ON_UDMABUF,
		     (&(const struct raw){.kind = UDMABUF, .way = BY_COPY, .direct = true, .write = true, .new_files = true})),
};

const struct group group_out_shmem = {
	.name = "out-shmem",
	.what = "%N files of %S from a mount on shmem to a disk; raw is mmap of a memfd and "
		"direct write",
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.prepare = prepare_out,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows = ROWS(ON_SHMEM, PLAIN_ON_SHMEM,
		     (&(const struct raw){.kind = MEMFD, .way = BY_MAP, .direct = true, .write = true, .new_files = true})),
};
