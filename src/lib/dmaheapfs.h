/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The dma-bufs behind the files of a dmaheapfs mount. See dmaheapfs(3).
 *
 * Functions that return an int return an fd or 0 on success, and -errno on failure;
 * dmaheap_strerror() explains the error. Every fd is close-on-exec and owned by the caller.
 * All functions may be called from any thread.
 */
#ifndef DMAHEAPFS_H
#define DMAHEAPFS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Returns the dma-buf of a file, given by its path, or by an fd that is open for reading and
 * writing: any importer can write to a dma-buf.
 */
int dmaheap_export(const char *path);
int dmaheap_export_fd(int file);

/*
 * Returns the memory file of a file, on the heaps shmem and udmabuf. It can be mapped on every
 * kernel, but is not a dma-buf. @rights is DMAHEAP_READ or DMAHEAP_WRITE, the latter on shmem
 * only. For an fd, the rights are those of its open mode.
 */
#define DMAHEAP_READ  0
#define DMAHEAP_WRITE 1
int dmaheap_memory(const char *path, int rights);
int dmaheap_memory_fd(int file);

#define DMAHEAP_IS_DMABUF (1u << 0) /* the heap has dma-bufs */
#define DMAHEAP_EXPORTED  (1u << 1) /* the file is exported, and can no longer grow */

struct dmaheap_info {
	uint64_t size;	   /* of the file, bytes */
	uint64_t capacity; /* of the memory, bytes: the size of the dma-buf */
	uint32_t flags;
	uint32_t reserved;
	/* st_dev and st_ino of the fds of the dma-buf, or else of the memory file; 0: none yet */
	uint64_t device;
	uint64_t inode;
	char heap[64];
	uint64_t unused[4];
};

int dmaheap_query(const char *path, struct dmaheap_info *info);
int dmaheap_query_fd(int file, struct dmaheap_info *info);

/*
 * To be called before and after the CPU accesses a mapping of a dma-buf. Beginning waits for
 * the devices that use it, @timeout ms at most (-1: no limit), else returns -ETIMEDOUT.
 * @access tells whether the CPU reads, writes, or both (DMAHEAP_CPU_READ | _WRITE).
 */
#define DMAHEAP_CPU_READ  1
#define DMAHEAP_CPU_WRITE 2
int dmaheap_begin_cpu_access(int dmabuf, int access, int timeout);
int dmaheap_end_cpu_access(int dmabuf, int access);

/* Creates the file @path, with @dmabuf as its memory. @dmabuf stays the caller's. */
int dmaheap_import(const char *path, int dmabuf);

/* Returns one line of English for an error of these functions. */
const char *dmaheap_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
