// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/fs.h"

#include "fdpass/clients.h"
#include "fdpass/ticket.h"
#include "util/math.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* --- replies ----------------------------------------------------------------------- */

void fs_reply_error(fuse_req_t req, int error)
{
	switch (error) {
	case -EMFILE:
		fuse_reply_err(req, ENFILE);
		break;
	case -EUSERS:
		fuse_reply_err(req, EMFILE);
		break;
	default:
		fuse_reply_err(req, -error);
	}
}

void fs_reply_entry(fuse_req_t req, int error, const struct fuse_entry_param *entry)
{
	if (error)
		fs_reply_error(req, error);
	else
		fuse_reply_entry(req, entry);
}

void fs_reply_value(fuse_req_t req, const char *value, ssize_t length, size_t size)
{
	if (length < 0)
		fs_reply_error(req, length);
	else if (!size)
		fuse_reply_xattr(req, length);
	else if ((size_t)length > size)
		fs_reply_error(req, -ERANGE);
	else
		fuse_reply_buf(req, value, length);
}

void fs_reply_link(fuse_req_t req, int file)
{
	char target[PATH_MAX + 1];
	const ssize_t length = file < 0 ? file : readlinkat(file, "", target, PATH_MAX);

	if (length < 0) {
		fs_reply_error(req, file < 0 ? file : -errno);
		return;
	}
	target[length] = '\0';
	fuse_reply_readlink(req, target);
}

int estale_answer(struct estale *estale, pid_t caller, int error)
{
	_Atomic pid_t *told = &estale->callers[(unsigned)caller % ESTALE_CALLERS];

	if (*told == caller) {
		/* Threads that share a slot may overwrite each other, which does no harm. */
		*told = 0;
		return error == -ESTALE ? -ENOENT : error;
	}
	if (error == -ESTALE)
		*told = caller;
	return error;
}

/* --- limits ------------------------------------------------------------------------ */

/* /dev/fuse, the tree, the heap's device, fds of requests, and fds on their way to clients. */
#define OWN_FDS (64 + TICKETS + CLIENTS)

uint64_t fs_most_buffers(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur <= OWN_FDS)
		return 0;
	return limit.rlim_cur - OWN_FDS;
}

#define FEWEST_OPENS 64

uint64_t fs_opens_per_user(void)
{
	return max_u64(fs_most_buffers() / 2, FEWEST_OPENS);
}

int fs_usage(struct fs *fs, struct fs_usage *usage)
{
	const uint64_t orphaned = quota_poll_orphans(&fs->quota);
	struct statvfs st;

	if (fstatvfs(fs->tree.mount, &st))
		return -errno;
	*usage = (struct fs_usage){
		.memory_used = fs->quota.used,
		.memory_limit = fs->quota.limit,
		.orphaned = orphaned,
		.files_used = st.f_files - st.f_ffree,
		.files_limit = st.f_files,
		.buffers_limit = fs->heap->ops->in_tmpfs ? 0 : fs_most_buffers(),
	};
	if (fs->heap->ops->in_tmpfs) {
		usage->memory_used = (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize;
		usage->memory_limit = (uint64_t)st.f_blocks * st.f_frsize;
	}
	return 0;
}
