/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The dma-bufs behind the files of a dmaheapfs mount. See dmaheapfs(3).
 *
 * What returns an int returns an fd or 0, or -errno; dmaheap_strerror() says
 * what that means here. Every fd is close-on-exec, and the caller's to close.
 * All may be called from any thread.
 */
#ifndef DMAHEAPFS_H
#define DMAHEAPFS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The dma-buf of a file, given by its path or by an fd of it, which has to be
 * open for reading and writing: importers can write to any dma-buf.
 */
int dmaheap_export(const char *path);
int dmaheap_export_fd(int file);

/*
 * The memory of a file on the heaps shmem and udmabuf as a memory file, which
 * can be mapped on every kernel, but is no dma-buf. DMAHEAP_WRITE is for shmem
 * alone; of an fd, the rights are those that it is open with.
 */
#define DMAHEAP_READ  0
#define DMAHEAP_WRITE 1
int dmaheap_memory(const char *path, int rights);
int dmaheap_memory_fd(int file);

#define DMAHEAP_IS_DMABUF (1u << 0) /* dmaheap_export() can work */
#define DMAHEAP_EXPORTED  (1u << 1) /* it has, so that the file can't grow any more */

struct dmaheap_info {
	uint64_t size;	   /* of the file */
	uint64_t capacity; /* of the memory behind it: what the dma-buf's size is */
	uint32_t flags;
	uint32_t reserved;
	/* st_dev and st_ino of every fd of the memory, the dma-buf if it is one; 0: none yet */
	uint64_t device;
	uint64_t inode;
	char heap[64];
	uint64_t unused[4];
};

int dmaheap_query(const char *path, struct dmaheap_info *info);
int dmaheap_query_fd(int file, struct dmaheap_info *info);

/*
 * Around every access of the CPU to a mapping of a dma-buf. Beginning waits for
 * the devices that use it, for @timeout ms at most (-1: as long as it takes),
 * and is -ETIMEDOUT if they do not get done. @access is what the CPU does.
 */
#define DMAHEAP_CPU_READ  1
#define DMAHEAP_CPU_WRITE 2
int dmaheap_begin_cpu_access(int dmabuf, int access, int timeout);
int dmaheap_end_cpu_access(int dmabuf, int access);

/*
 * Makes @path, where nothing may be yet, a file whose memory is @dmabuf, which
 * stays the caller's.
 */
int dmaheap_import(const char *path, int dmabuf);

/* One line of English for what the calls here return. */
const char *dmaheap_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
