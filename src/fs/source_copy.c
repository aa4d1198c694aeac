// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copy_file_range(2) from a file of the view into a buffer. The pool makes the
 * copy and answers the request: no thread of the session waits for it.
 */
#include "fs/copied.h"
#include "fs/source.h"
#include "util/scope.h"

/* The kernel has both files open until it is answered, and so the nodes have theirs. */
struct source_copy {
	fuse_req_t req;
	struct fs *fs;
	struct view_node *from;
	struct node *to;
	off_t offset, to_offset;
	_Atomic bool cancel;
};

/* A signal for the caller. What has arrived by then is what he is told. */
static void interrupt(fuse_req_t req, void *data)
{
	struct source_copy *copy = data;

	(void)req;
	copy->cancel = true;
}

/*
 * What is told of a copy that goes on where the last one ended: tools may ask
 * for a gigabyte at a time, and a reply can't count more than four.
 */
static struct copy_report whole_of(const struct source_copy *copy, const struct copy_report *report)
{
	struct copy_report whole = *report;
	with_lock(&copy->from->lock);
	struct view_copied *last = &copy->from->copied;

	if (copy->offset && last->to == copy->to->ino && last->end == copy->offset &&
	    last->to_end == copy->to_offset) {
		whole.bytes += last->bytes;
		whole.seconds += last->seconds;
	}
	*last = (struct view_copied){
		.to = copy->to->ino,
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

	copied_record(copy->fs, copy->to, report, &whole);
}

static void reply(fuse_req_t req, struct counters *counters, ssize_t count)
{
	if (count < 0) {
		fs_reply_error(req, (int)count);
		return;
	}
	counters->copies++;
	counters->copied_bytes += (uint64_t)count;
	fuse_reply_write(req, (size_t)count);
}

static void done(void *context, ssize_t count, const struct copy_report *report)
{
	struct source_copy *copy = context;

	/* Once this returns, no interrupt is under way any more. */
	fuse_req_interrupt_func(copy->req, NULL, NULL);
	/* The request for what is behind the end is no copy to tell of. */
	if (count != 0)
		record(copy, report);
	reply(copy->req, &copy->fs->counters, count);
	free(copy);
}

/* The reply has 32 bits for it. */
static size_t largest_copy(void)
{
	return UINT32_MAX & ~((size_t)sysconf(_SC_PAGESIZE) - 1);
}

void source_copy(fuse_req_t req, fuse_ino_t in, off_t in_offset, fuse_ino_t out, off_t out_offset,
		 size_t size)
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
		.from = source_node(req, in),
		.to = fs_node(req, out),
		.offset = in_offset,
		.to_offset = out_offset,
	};
	const struct copy wanted = {
		.direction = COPY_TO_MEMORY,
		.file = copy->from->file,
		.file_offset = in_offset,
		.memory = copy_memory_of_buffer(copy->to->buffer),
		.memory_offset = out_offset,
		.length = size < largest_copy() ? size : largest_copy(),
		/* some kernels ask for no more than a reply can tell, whatever they are asked */
		.asked = size < largest_copy() ? size : COPY_TO_THE_END,
		.direct = fs->direct,
		.busy = fs->busy,
		.cancel = &copy->cancel,
	};

	/* Before it begins: afterwards the request may be answered already. */
	fuse_req_interrupt_func(req, interrupt, copy);
	int error = copy_submit(fs->copies, &wanted, done, copy);

	if (!error)
		return;
	fuse_req_interrupt_func(req, NULL, NULL);
	free(copy);
	fs_reply_error(req, error);
}
