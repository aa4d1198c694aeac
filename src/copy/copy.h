/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy moves bytes between an ordinary file and a buffer. It is cut into pieces,
 * and a bounded pool of threads works on several pieces of one copy and on several
 * copies at a time. plan.h decides once how the bytes travel; the report tells it.
 *
 * Everything returns 0 (or a count) or -errno. Sizes and offsets are bytes.
 */
#ifndef COPY_COPY_H
#define COPY_COPY_H

#include "buffer/buffer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* -o direct= */
enum copy_direct {
	COPY_DIRECT_AUTO,   /* if possible, and the file is not in the page cache */
	COPY_DIRECT_ALWAYS, /* if possible */
	COPY_DIRECT_NEVER,
};

enum copy_direction { COPY_TO_MEMORY, COPY_TO_FILE };

/* A length for pipes and for files that do not tell their size: until the end. */
#define COPY_TO_THE_END UINT64_MAX

struct copy {
	enum copy_direction direction;
	/*
	 * The ordinary file, open for reading or writing. The caller keeps it open
	 * until the copy is done. It is opened again for direct I/O, so it need not
	 * have O_DIRECT. A file without size or position is read from its current
	 * position.
	 */
	int file;
	off_t file_offset;
	struct buffer *buffer; /* outlives the copy */
	off_t memory_offset;
	/* The destination reads as zeroes, so holes can be skipped. */
	bool fresh;
	uint64_t length; /* the most to copy; less if the source is shorter */
	uint64_t asked;	 /* the length that the caller will copy in total; 0: not known */
	enum copy_direct direct;
	/*
	 * May be set at any time, by any thread or signal handler. The copy ends soon,
	 * as if its source had failed with EINTR. NULL: it cannot be cancelled.
	 */
	_Atomic bool *cancel;
	/* Counts crashes of the process by this copy. NULL: not wanted. */
	_Atomic uint32_t *faults;
	/* Bytes moved so far, for the caller to read meanwhile. NULL: not wanted. */
	_Atomic uint64_t *progress;
};

struct copy_report {
	const char *engine; /* "direct", "bounce", "buffered", "copy_file_range", "none"; static */
	bool direct;	    /* most bytes bypassed the page cache */
	uint64_t bytes;	    /* that arrived, without a gap from the start */
	int error;	    /* 0, or the -errno that ended the copy early */
	double seconds;
	char reason[96]; /* why this engine, and not a better one */
};

/* The text of user.dmaheap.copy: engine=… direct=yes|no bytes=… seconds=… reason=… */
#define COPY_LINE_BYTES 256
void copy_report_print(const struct copy_report *report, char line[static COPY_LINE_BYTES]);

struct copy_pool;

/*
 * Creates a pool in which @threads, 1 to COPY_MAX_THREADS, work at a time.
 *
 * A thread that a hung file keeps for a quarter of a second no longer counts; the
 * pool starts another one in its place, and the copy gets no more threads. So a
 * hung copy delays others for a moment only, until hung copies hold 255 threads
 * together, at most @threads each.
 *
 * Call it after daemonizing, since threads do not survive fork(2).
 */
#define COPY_THREADS	 4
#define COPY_MAX_THREADS 64
int copy_pool_create(struct copy_pool **pool, unsigned int threads);

/* Cancels all copies, and returns after the last callback. NULL is fine. */
void copy_pool_destroy(struct copy_pool *pool);

/*
 * Called once for each copy, by a thread of the pool, without a lock. @result is
 * that of copy_file_range(2): the bytes that arrived, even if an error stopped the
 * rest, 0 at the end of file, or -errno if none arrived. It may submit another
 * copy, but must not wait for one.
 */
typedef void copy_done(void *context, int64_t result, const struct copy_report *report);

/*
 * Starts a copy of *@copy, which need not outlive the call. Does not wait for memory
 * or other copies; thousands may be in progress. -ENOMEM, and @done is not called.
 *
 * Memory for the whole copy is allocated before the first byte is read, exactly, or
 * the copy fails with -ENOSPC, or with -EBUSY if the memory cannot grow. When @done
 * is called, the buffer's size covers the last byte that arrived and was not raised
 * for bytes that did not. Until then other calls may see any part of the range,
 * filled or zero.
 */
int copy_submit(struct copy_pool *pool, const struct copy *copy, copy_done *done, void *context);

#endif
