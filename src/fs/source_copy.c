// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copy_file_range(2) from a file of the source into a buffer. The copy pool makes the copy
 * and replies, so no thread of the session waits for it.
 */
#include "fs/ops.h"
#include "fs/saved.h"
#include "util/math.h"
#include "util/scope.h"

/* The kernel keeps both files open until the reply, and this holds the buffer. */
struct source_copy {
	fuse_req_t req;
	struct fs *fs;
	struct inode *from, *to;
	off_t offset, to_offset;
	struct parked_request *parked; /* until the reply */
	_Atomic bool cancel;
};

/* The caller got a signal. The reply is the count of bytes that have arrived by then. */
static void interrupt(fuse_req_t req, void *data)
{
	struct source_copy *copy = data;

	(void)req;
	copy->cancel = true;
}

/*
 * Returns @report with the requests before it, if the copy continues where the last one
 * ended: tools may copy a gigabyte at a time, and a reply counts four at most.
 */
static struct copy_report whole_of(const struct source_copy *copy, const struct copy_report *report)
{
	struct copy_report whole = *report;
	guard(mutex)(&copy->from->lock);
	struct source_progress *last = inode_progress(copy->from);

	if (copy->offset && last->to == copy->to->node.ino && last->end == copy->offset &&
	    last->to_end == copy->to_offset) {
		whole.bytes += last->bytes;
		whole.seconds += last->seconds;
	}
	*last = (struct source_progress){
		.to = copy->to->node.ino,
		.end = copy->offset + (off_t)report->bytes,
		.to_end = copy->to_offset + (off_t)report->bytes,
		.bytes = whole.bytes,
		.seconds = whole.seconds,
	};
	return whole;
}

static void record(const struct source_copy *copy, const struct copy_report *report)
{
	const struct copy_report whole = whole_of(copy, report);

	last_copy_record(copy->fs, copy->to, report, &whole);
}

/*
 * RLIMIT_FSIZE of this process may be lower than the caller's, if lifting it was not
 * allowed. With EXDEV the kernel copies itself, as the caller.
 */
static void reply(fuse_req_t req, struct counters *counters, int64_t count)
{
	if (count < 0) {
		fs_reply_error(req, count == -EFBIG ? -EXDEV : (int)count);
		return;
	}
	counters->copies++;
	counters->copied_bytes += (uint64_t)count;
	fuse_reply_write(req, (size_t)count);
}

static void done(void *context, int64_t count, const struct copy_report *report)
{
	struct source_copy *copy = context;

	/* After this no interrupt is being delivered. */
	fuse_req_interrupt_func(copy->req, NULL, NULL);
	/* A request at the end of the file is not a copy. */
	if (count != 0)
		record(copy, report);
	inode_drop(copy->fs, copy->to);
	reply(copy->req, copy->fs->counters, count);
	table_remove(&copy->fs->saved->parked, copy->parked);
	free(copy);
}

/* The reply has 32 bits for the count. */
static size_t largest_copy(void)
{
	return page_round_down(UINT32_MAX);
}

static struct copy copy_wanted(struct source_copy *copy, size_t size)
{
	const struct fs *fs = copy->fs;

	return (struct copy){
		.direction = COPY_TO_MEMORY,
		.file = copy->from->file,
		.file_offset = copy->offset,
		.buffer = copy->to->buffer,
		.memory_offset = copy->to_offset,
		.length = min_u64(size, largest_copy()),
		/* Some kernels never ask for more than a reply can count. */
		.asked = size < largest_copy() ? size : COPY_TO_THE_END,
		.direct = fs->direct,
		.cancel = &copy->cancel,
		.faults = copy->parked ? &copy->parked->faults : NULL,
	};
}

void source_copy(fuse_req_t req, struct inode *in, off_t in_offset, struct inode *out,
		 off_t out_offset, size_t size)
{
	struct fs *fs = fs_of(req);
	struct source_copy *copy = malloc(sizeof(*copy));

	if (!copy) {
		fs_reply_error(req, -ENOMEM);
		return;
	}
	*copy = (struct source_copy){
		.req = req,
		.fs = fs,
		.from = in,
		.to = out,
		.offset = in_offset,
		.to_offset = out_offset,
	};
	int error = inode_hold(fs, out, -1);

	if (error) {
		free(copy);
		fs_reply_error(req, error);
		return;
	}
	/* Before the copy starts: it may reply at once. */
	copy->parked = request_hold();
	const struct copy wanted = copy_wanted(copy, size);

	fuse_req_interrupt_func(req, interrupt, copy);
	error = copy_submit(fs->copies, &wanted, done, copy);
	if (!error)
		return;
	fuse_req_interrupt_func(req, NULL, NULL);
	inode_drop(fs, out);
	table_remove(&fs->saved->parked, copy->parked);
	free(copy);
	fs_reply_error(req, error);
}
