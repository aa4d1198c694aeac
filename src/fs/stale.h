/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file can lose its last name, and so end, between the kernel's finding it
 * and the request that uses it. ESTALE makes the kernel look at the path again,
 * which finds what has replaced the file, or nothing. It does so but once, and
 * passes a second ESTALE on to the caller, who does not expect that from a
 * local filesystem; ENOENT he does.
 */
#ifndef FS_STALE_H
#define FS_STALE_H

#include <sys/types.h>

#define STALE_CALLERS 64

struct stale {
	_Atomic pid_t callers[STALE_CALLERS]; /* threads told to look again; 0: none */
};

/* What to tell the thread @caller of @error, 0 or -errno, of such a request. */
int stale_answer(struct stale *stale, pid_t caller, int error);

#endif
