// SPDX-License-Identifier: GPL-2.0-or-later
#include "copy/plan.h"

#define ANY (-1)

/*
 * The first row that matches decides. A row that rules out a better engine stands
 * before that engine's row and gives the reason.
 */
/* clang-format off */
static const struct plan_row table[] = {
/* file            kernel          direct=              small warm scat. congr. access          → */
{ FILE_STREAM,     ANY,            ANY,                 ANY,  ANY, ANY,  ANY,   ANY,
  ENGINE_STREAM,   false, "the file has no size or no position" },

/* A kernel that copies by DMA needs no alignment, and a request costs little. */
{ FILE_DIRECT,     KERNEL_UNTRIED, COPY_DIRECT_ALWAYS,  ANY,  ANY, ANY,  ANY,   ANY,
  ENGINE_CFR,      true,  "the kernel copies by itself" },
{ FILE_DIRECT,     KERNEL_UNTRIED, COPY_DIRECT_AUTO,    ANY,  0,   ANY,  ANY,   ANY,
  ENGINE_CFR,      true,  "the kernel copies by itself" },
{ ANY,             KERNEL_UNTRIED, COPY_DIRECT_NEVER,   ANY,  ANY, ANY,  ANY,   ANY,
  ENGINE_CFR,      false, "direct=never" },
{ FILE_DIRECT,     KERNEL_UNTRIED, COPY_DIRECT_AUTO,    ANY,  1,   ANY,  ANY,   ANY,
  ENGINE_CFR,      false, "most of the file is in the page cache" },
{ ANY,             KERNEL_UNTRIED, ANY,                 ANY,  ANY, ANY,  ANY,   ANY,
  ENGINE_CFR,      false, "the file has no direct I/O" },

{ ANY,             ANY,            COPY_DIRECT_NEVER,   ANY,  ANY, ANY,  ANY,   ANY,
  ENGINE_BUFFERED, false, "direct=never" },
{ FILE_NO_DIRECT,  ANY,            ANY,                 ANY,  ANY, ANY,  ANY,   ANY,
  ENGINE_BUFFERED, false, "the file's filesystem has no direct I/O" },
{ FILE_IN_MEMORY,  ANY,            ANY,                 ANY,  ANY, ANY,  ANY,   ANY,
  ENGINE_BUFFERED, false, "the file is in memory" },
{ FILE_NOT_OURS,   ANY,            ANY,                 ANY,  ANY, ANY,  ANY,   ANY,
  ENGINE_BUFFERED, false, "the file could not be opened anew for direct I/O" },
{ FILE_REFUSED,    ANY,            ANY,                 ANY,  ANY, ANY,  ANY,   ANY,
  ENGINE_BUFFERED, false, "the file's filesystem refused direct I/O" },
{ ANY,             ANY,            COPY_DIRECT_AUTO,    1,    ANY, ANY,  ANY,   ANY,
  ENGINE_BUFFERED, false, "too small to be worth direct I/O" },
{ ANY,             ANY,            COPY_DIRECT_AUTO,    ANY,  1,   ANY,  ANY,   ANY,
  ENGINE_BUFFERED, false, "most of the file is in the page cache" },

{ ANY,             ANY,            ANY,                 ANY,  ANY, ANY,  ANY,   BUFFER_ACCESS_MEMCPY,
  ENGINE_BOUNCE,   true,  "this kernel's direct I/O does not reach a dma-buf" },
{ ANY,             ANY,            ANY,                 ANY,  ANY, ANY,  ANY,   BUFFER_ACCESS_CALLS,
  ENGINE_BOUNCE,   true,  "the buffer can't be mapped here" },
{ ANY,             ANY,            ANY,                 ANY,  ANY, ANY,  0,     ANY,
  ENGINE_BOUNCE,   true,  "the positions in file and buffer are not aligned alike" },
/* Looking up, clearing and pinning a page takes twice as long as copying it. */
{ ANY,             ANY,            COPY_DIRECT_AUTO,    ANY,  ANY, 1,    ANY,   ANY,
  ENGINE_BOUNCE,   true,  "the buffer has small pages: a copy costs less than I/O to each" },
{ ANY,             ANY,            ANY,                 ANY,  ANY, ANY,  ANY,   ANY,
  ENGINE_DIRECT,   true,  "direct I/O with the buffer's own pages" },
};
/* clang-format on */

static bool matches(int wanted, int is)
{
	return wanted == ANY || wanted == is;
}

static bool row_matches(const struct plan_row *row, const struct plan_facts *facts)
{
	return matches(row->file, (int)facts->file) && matches(row->kernel, (int)facts->kernel) &&
	       matches(row->direct, (int)facts->direct) && matches(row->small, facts->small) &&
	       matches(row->warm, facts->warm) && matches(row->scattered, facts->scattered) &&
	       matches(row->congruent, facts->congruent) &&
	       matches(row->access, (int)facts->access);
}

const struct plan_row *plan_row(const struct plan_facts *facts)
{
	const struct plan_row *row = table;

	while (!row_matches(row, facts))
		row++;
	return row;
}

const char *plan_engine_name(enum copy_engine engine)
{
	static const char *const names[] = {
		[ENGINE_CFR] = "copy_file_range", [ENGINE_DIRECT] = "direct",
		[ENGINE_BOUNCE] = "bounce",	  [ENGINE_BUFFERED] = "buffered",
		[ENGINE_STREAM] = "buffered",
	};

	return names[engine];
}
