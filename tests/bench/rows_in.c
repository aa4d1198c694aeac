// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the disk through a mount, with the programs that people use. What a copy
 * costs there has the making of memory in it: so it is against making memory and
 * copying into it without a mount.
 */
#include "raw.h"
#include "table.h"
#include "through.h"

#include <stddef.h>

#define TOOL(name, place, ...)                                                               \
	{                                                                                    \
		name, place, false, run_in, &(const struct through){.argv = __VA_ARGS__}, TURN_ANY   \
	}
#define CP     {"cp", "<<", ">>"}
#define DD     {"dd", "if=<", "of=>", "bs=1M", "status=none"}
#define DIRECT {"dd", "if=<", "of=/dev/null", "bs=4M", "iflag=direct", "status=none"}

/* @here is the place, @plain the same without passthrough, @bare what is done without any. */
#define ROWS(here, plain, bare)                                                              \
	{                                                                                    \
		{"cp to tmpfs", TMPFS, true, run_in, &(const struct through){.argv = CP}, TURN_ANY},           \
		TOOL("dd to tmpfs", TMPFS, DD, .each = true),                                \
		TOOL("cp", here, CP),                                                        \
		TOOL("cp from .source", here, CP, .view = true),                             \
		TOOL("cat", here, {"cat", "<"}, .each = true, .output = true),               \
		TOOL("dd", here, DD, .each = true),                                          \
		TOOL("toybox cp", here, {"toybox", "cp", "<<", ">>"}),                       \
		TOOL("busybox cp", here, {"busybox", "cp", "<<", ">>"}),                     \
		TOOL("dmaheapctl load", here, {"dmaheapctl", "load", "<", ">"}, .each = true), \
		TOOL("cp, plain FUSE", plain, CP),                                           \
		TOOL("dd, plain FUSE", plain, DD, .each = true),                             \
		{"raw", NOWHERE, false, run_raw, bare, TURN_ANY},                                       \
		TOOL("dd direct to nowhere", NOWHERE, DIRECT, .each = true, .nowhere = true), \
		{"limit: O_DIRECT read", NOWHERE, false, run_limit, &(const struct raw){.write = false}, TURN_ANY},  \
	}

static const struct ratio ratios[] = {
	{RATIO_TOTAL, "cp against making the memory and copying without a mount", "cp", "raw", NULL},
	{RATIO_TOTAL, "cp against the limit", "cp", "limit: O_DIRECT read", NULL},
	{RATIO_TOTAL, "cp against cp to tmpfs", "cp", "cp to tmpfs", NULL},
	{RATIO_TOTAL, "cp from .source against cp to tmpfs", "cp from .source", "cp to tmpfs", NULL},
	{RATIO_TOTAL, "dmaheapctl load against cp", "dmaheapctl load", "cp", NULL},
	{RATIO_CPU, "CPU time of cp in that of cp to tmpfs", "cp", "cp to tmpfs", NULL},
	{},
};

const struct group group_in_dma_heap = {
	.name = "in-dma-heap",
	.what = "%N files of %S from a disk into a mount on a dma-heap; raw is direct c_f_r",
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.unable = needs_dma_heap,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows = ROWS(ON_DMA_HEAP, PLAIN_ON_DMA_HEAP,
		     (&(const struct raw){.kind = DMABUF, .way = BY_COPY, .direct = true})),
};

const struct group group_in_udmabuf = {
	.name = "in-udmabuf",
	.what = "%N files of %S from a disk into a mount on udmabuf; raw is direct c_f_r",
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.unable = needs_udmabuf,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows = ROWS(ON_UDMABUF, PLAIN_ON_UDMABUF,
		     (&(const struct raw){.kind = UDMABUF, .way = BY_COPY, .direct = true})),
};

const struct group group_in_shmem = {
	.name = "in-shmem",
	.what = "%N files of %S from a disk into a mount on shmem; raw is mmap of a memfd and "
		"direct read",
	.style = STYLE_TABLE,
	.size = 32 << 20,
	.count = 32,
	.figures = TABLE_FIGURES,
	.ratios = ratios,
	.rows = ROWS(ON_SHMEM, PLAIN_ON_SHMEM,
		     (&(const struct raw){.kind = MEMFD, .way = BY_MAP, .direct = true})),
};
