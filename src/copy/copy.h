/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy moves bytes between an ordinary file and memory: a buffer of this
 * process, or a file of a mount. It is cut into pieces, which a bounded pool
 * of threads works on, several of one copy and of several copies at a time.
 * How the bytes travel is decided once, by plan.h, and told in the report.
 *
 * Everything returns 0 (or a count) or -errno. Sizes and offsets are bytes.
 */
#ifndef COPY_COPY_H
#define COPY_COPY_H

#include "copy/memory_end.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What -o direct= says. */
enum copy_direct {
	COPY_DIRECT_AUTO,   /* where it is possible, and the file is not in the page cache */
	COPY_DIRECT_ALWAYS, /* where it is possible */
	COPY_DIRECT_NEVER,
};

/* What -o busy= says of a dma-buf that a device has attached. */
enum copy_busy {
	COPY_BUSY_COPY, /* the kernel won't copy into it, so the CPU does */
	COPY_BUSY_FAIL, /* nothing is copied into it: -EBUSY */
};

enum copy_direction { COPY_TO_MEMORY, COPY_TO_FILE };

/* "until the file ends": of a pipe, and of files that do not tell their size. */
#define COPY_TO_THE_END UINT64_MAX

struct copy {
	enum copy_direction direction;
	/*
	 * The ordinary file, open to be read or written. The caller's, and open
	 * until the copy is done. Without O_DIRECT: it is opened anew for that.
	 * What has no size or position is read from where it stands.
	 */
	int file;
	off_t file_offset;
	struct copy_memory memory; /* whatever it stands for outlives the copy */
	off_t memory_offset;
	/* What is copied to reads as zero where nothing is written: holes can be left out. */
	bool fresh;
	uint64_t length; /* no more than this; less where the source is shorter */
	uint64_t asked;	 /* the caller will ask for the rest of this next; 0: nobody knows */
	enum copy_direct direct;
	enum copy_busy busy;
	/*
	 * May be set at any time, by any thread or signal handler: the copy ends
	 * soon, as one whose source failed with EINTR. NULL: nobody will.
	 */
	_Atomic bool *cancel;
	/* Bytes moved so far, to be read while the copy runs. NULL: nobody asks. */
	_Atomic uint64_t *progress;
};

struct copy_report {
	const char *engine; /* "direct", "bounce", "buffered", "copy_file_range", "none"; static */
	bool direct;	    /* the bulk of it passed the page cache by */
	uint64_t bytes;	    /* that are there, without a gap from the start on */
	int error;	    /* 0, or the -errno that kept the rest away */
	double seconds;
	char reason[96]; /* why this engine, and none that is better */
};

/* The text of user.dmaheap.copy: engine=… direct=yes|no bytes=… seconds=… reason=… */
#define COPY_LINE_BYTES 256
void copy_report_print(const struct copy_report *report, char line[static COPY_LINE_BYTES]);

struct copy_pool;

/*
 * @threads of them work at a time, 1 to COPY_MAX_THREADS, for all copies. One
 * that a hung file has kept for a quarter of a second does not count any more,
 * and another takes its place; of these the copy gets none. So copies that hang
 * keep others waiting for a moment only, until they hold 255 threads together,
 * at most @threads each.
 * Not before daemonizing: threads do not survive fork(2).
 */
#define COPY_THREADS	 4
#define COPY_MAX_THREADS 64
int copy_pool_create(struct copy_pool **pool, unsigned int threads);

/* Cancels what is under way, and returns when the last callback has. NULL is fine. */
void copy_pool_destroy(struct copy_pool *pool);

/*
 * Called once for each copy, by a thread of the pool that holds no lock. @result
 * is what copy_file_range(2) would return: bytes, also where an error kept the
 * rest away, 0 at the end of the file, or -errno where none are there. It may
 * submit another copy, and must not wait for one.
 */
typedef void copy_done(void *context, ssize_t result, const struct copy_report *report);

/*
 * Begins *@copy, which is read before this returns, and need not be kept. Does
 * not wait for room or for other copies: thousands may be under way, and none
 * waits for another to end. -ENOMEM, and @done is not called.
 *
 * Memory: all that is needed is taken before a byte is read, exactly, or the
 * copy fails with -ENOSPC (-EBUSY where memory that can not grow is too small).
 * When @done is called the buffer's size is at least where the last byte that
 * arrived ends, and was not raised by anything that did not arrive. Meanwhile
 * other calls on the buffer may see any part of the range, filled or zero.
 */
int copy_submit(struct copy_pool *pool, const struct copy *copy, copy_done *done, void *context);

/* The same, waiting for the end. Not from a thread of the pool. */
ssize_t copy_run(struct copy_pool *pool, const struct copy *copy, struct copy_report *report);

#endif
