/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One mount: the state that its operations share. It travels as the session's user data;
 * there is no global state.
 */
#ifndef FS_FS_H
#define FS_FS_H

#define FUSE_USE_VERSION 312

#include "buffer/buffer.h"
#include "buffer/heap.h"
#include "buffer/quota.h"
#include "copy/copy.h"
#include "fs/backing.h"
#include "fs/handle.h"
#include "fs/users.h"
#include "tree/tree.h"

#include <fuse_lowlevel.h>
#include <stdatomic.h>
#include <time.h>

/* Shown by `dmaheapctl status`; since the mount. */
enum { OPCODES = 64 };

struct counters {
	_Atomic uint64_t reads, read_bytes; /* through this process */
	_Atomic uint64_t writes, written_bytes;
	_Atomic uint64_t copies, copied_bytes; /* copy_file_range(2) within the mount */
	_Atomic uint64_t loads, loaded_bytes;  /* copies with files of other filesystems … */
	_Atomic uint64_t loads_direct;	       /* … of these, past the page cache */
	_Atomic uint64_t opens_passthrough, opens_daemon, opens_cached;
	_Atomic uint64_t requests[OPCODES]; /* by opcode; 0: those beyond */
};

/*
 * Threads that were answered ESTALE. A file can lose its last name, and so its memory,
 * between the kernel's lookup and the request that uses it. ESTALE makes the kernel look
 * up the path again, which finds the file's replacement, or nothing. It does that once and
 * returns a second ESTALE to the caller, which does not expect it of a local filesystem;
 * so the second answer is ENOENT.
 */
#define ESTALE_CALLERS 64

struct estale {
	_Atomic pid_t callers[ESTALE_CALLERS]; /* 0: none */
};

/* Returns the answer to @caller for a request that ended with @error, 0 or -errno. */
int estale_answer(struct estale *estale, pid_t caller, int error);

struct fd_server;
struct saved;
struct source;

struct fs {
	struct fuse_session *session;
	char *mountpoint;    /* absolute; set by session_mount() */
	bool was_taken_over; /* it was mounted by another program */
	struct tree tree;
	struct source *source; /* shown as .source; NULL: none */
	struct heap *heap;
	struct quota quota;
	struct users users;
	struct handles handles;
	struct saved *saved; /* what outlives the process */
	struct counters *counters;
	struct estale estale;
	struct timespec since;

	/* The kernel's capabilities. Set by init, before other requests. */
	struct backing_kernel kernel;
	struct backing_kernel source_kernel; /* nothing is bound to files of the source */
	bool passthrough;
	bool direct_mmap;
	_Atomic size_t request_bytes; /* of all but rare requests; 0 before INIT */

	/* Copies with files of other filesystems. */
	enum copy_direct direct;
	unsigned int copy_threads;
	struct copy_pool *copies; /* while the session is served */

	struct fd_server *fd_server; /* while the session is served */
};

static inline struct fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/*
 * Replies with @error, 0 or -errno. The sign is flipped here and nowhere else. -EMFILE, of
 * this process, becomes ENFILE, and -EUSERS, of users.h, becomes EMFILE.
 */
void fs_reply_error(fuse_req_t req, int error);

/* Replies with @entry, or with @error if it is not 0. */
void fs_reply_entry(fuse_req_t req, int error, const struct fuse_entry_param *entry);

/*
 * Replies to getxattr(2) or listxattr(2) with @length bytes of @value, or -errno if that
 * is negative. If @size is 0 the reply is the length; if it is too small, ERANGE.
 */
void fs_reply_value(fuse_req_t req, const char *value, ssize_t length, size_t size);

/* Replies to readlink(2) with the target of @file, an O_PATH fd or -errno. */
void fs_reply_link(fuse_req_t req, int file);

/* Names change only through this mount, so the kernel can cache them for ever. */
#define FS_NAME_TIMEOUT 1e9

/* Memory and files of the mount, used and at most; bytes and numbers. */
struct fs_usage {
	uint64_t memory_used, memory_limit;
	uint64_t orphaned; /* of memory_used, in dma-bufs of files that are gone */
	uint64_t files_used, files_limit;
	uint64_t buffers_limit; /* 0: buffers need no open file each */
};

/* 0 or -errno. */
int fs_usage(struct fs *fs, struct fs_usage *usage);

/*
 * If each buffer needs an open file, the most buffers there can be: the limit of open
 * files less the daemon's own.
 */
uint64_t fs_most_buffers(void);

/* The files that one user may have open by default: half of them all, but not too few. */
uint64_t fs_opens_per_user(void);

#endif
