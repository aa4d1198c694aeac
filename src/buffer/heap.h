/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A heap allocates the memory of a mount's buffers. One heap is opened per mount
 * and serves all its buffers, from any thread.
 *
 * Everything here returns 0 (or a count) or -errno. Sizes are bytes.
 */
#ifndef BUFFER_HEAP_H
#define BUFFER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap;

struct heap_ops {
	/*
	 * The kind of memory that a buffer gets. At most one of these is set.
	 *
	 * in_tmpfs: the buffer's file in the mount's own tmpfs. The kernel keeps
	 * size, blocks, times and limits, and alloc() is not used.
	 *
	 * fixed_size: a dma-buf. The buffer keeps the logical size. See file_first, too.
	 *
	 * Neither: a memory file, which the kernel sizes until its first export. Its size is
	 * fixed from then on.
	 */
	bool in_tmpfs;
	bool fixed_size;

	/* Buffers can be exported as dma-bufs. */
	bool has_dmabufs;

	/*
	 * With fixed_size: returns an fd of a new dma-buf of exactly @size zeroed bytes, a
	 * multiple of the page size. The caller owns it. -ENOSPC or -ENOMEM if the heap is
	 * exhausted.
	 */
	int (*alloc)(struct heap *heap, size_t size);

	/* Returns an fd of a new, empty memory file, owned by the caller. NULL: has none. */
	int (*new_file)(struct heap *heap);

	/*
	 * For memory files. The kernel limits all of them together to @size bytes from here on,
	 * and counts what is written past this process, too. @huge is tmpfs's option for
	 * huge pages (NULL: its default). Does nothing on a kernel without such limits.
	 * Call it before the first new_file(). NULL: not possible.
	 */
	void (*limit)(struct heap *heap, uint64_t size, const char *huge);

	/* Changes that limit: 0, or -EBUSY if more is in use. NULL: there is none. */
	int (*resize)(struct heap *heap, uint64_t size);

	/*
	 * For memory files that are exported as they are. may_export() tells, before anything is
	 * sealed for it, whether a dma-buf of @size bytes can be made: -EFBIG if it is too large.
	 * export() returns a dma-buf of the memory behind @fd, owned by the caller.
	 * @size is a multiple of the page size, not 0.
	 */
	int (*may_export)(struct heap *heap, size_t size);
	int (*export)(struct heap *heap, int fd, size_t size);

	/*
	 * CPU access to the dma-buf @fd, see cpu_access.h. wait_idle() waits until
	 * no device works on the memory, or for a limited time: -EBUSY. sync() is
	 * DMA_BUF_IOCTL_SYNC with @flags. NULL: not needed.
	 */
	int (*wait_idle)(struct heap *heap, int fd, bool write);
	int (*sync)(struct heap *heap, int fd, uint64_t flags);

	/* The kernel implements read(2) and write(2) on the dma-buf @fd. NULL: no. */
	bool (*takes_io)(struct heap *heap, int fd);

	/*
	 * The dma-buf has references besides the one @fd here, which is not mapped.
	 * NULL: not known.
	 */
	bool (*is_held)(struct heap *heap, int fd);

	void (*destroy)(struct heap *heap);
};

struct heap {
	const struct heap_ops *ops;
	/* Memory files mapped with MADV_HUGEPAGE get pages of 2 MiB. */
	bool large_pages;
	/* Reading a buffer changes no time of access. */
	bool noatime;
	/* copy_file_range(2) copies between memory files and other filesystems. */
	bool kernel_copies;
	/*
	 * The kernel zeroes new dma-bufs only where no copy fills them, and lets no device
	 * have one before that: see dmabuf_fill_rest().
	 */
	bool unfilled;
	/* With fixed_size: the kernel implements file I/O on dma-bufs of this heap. */
	bool takes_io;
	/*
	 * With fixed_size: a buffer is a memory file until it is allocated in advance, copied
	 * into while empty, or exported. Needs a kernel that can replace the file behind an
	 * inode by a dma-buf.
	 */
	bool file_first;
	/* The name in heap=: "shmem", "udmabuf", "system", … */
	char name[64];
	/* "yes: …" or "no: …", the text of user.dmaheap.dmabuf. */
	char dmabuf[160];
	/* The reason for this heap if heap=auto or heap=dmabuf chose it, else empty. */
	char choice[200];
	/* The mount's source names neither a heap of this machine nor a label. */
	bool replaces_source;
	/* A limit that may surprise the user, and its remedy, else empty. heap_open() logs it. */
	char advice[256];
};

/* The prefix of a DRM device's path in a heap's name. */
#define HEAP_DRM "drm:"

/*
 * Opens the heap @name: "auto", "dmabuf" (the same, but never shmem), "shmem", "udmabuf", a
 * name under @dev/dma_heap, or "drm:" and the path of a device. @dev is "/dev" except in
 * tests. On failure @why holds one line that says what is missing and how to get it.
 */
int heap_open(struct heap **heap, const char *name, const char *dev, char why[static 256]);

/* The same for a mount's source, which may also be a label. Then the heap is "auto". */
int heap_open_source(struct heap **heap, const char *source, const char *dev, char why[static 256]);

/* The directory of the memory files that limit() limits, as an fd; -1: none. */
int heap_files_of(struct heap *heap);

/* Uses the directory of another process in place of limit(). */
void heap_use_files(struct heap *heap, int directory);

/* All buffers of the heap are gone by then. NULL is fine. */
void heap_destroy(struct heap *heap);

/* One per kind of heap, in a file of its own. The contract is that of heap_open(). */
int heap_shmem_open(struct heap **heap, const char *dev, char why[static 256]);
int heap_udmabuf_open(struct heap **heap, const char *dev, char why[static 256]);
int heap_dma_open(struct heap **heap, const char *name, const char *dev, char why[static 256]);
int heap_drm_open(struct heap **heap, const char *path, char why[static 256]);

/*
 * The size limit of udmabuf, in bytes, from size_limit_mb in the module's
 * directory @parameters; UINT64_MAX if it cannot be read.
 */
uint64_t heap_udmabuf_limit(const char *parameters);

/*
 * Calls @line once for each heap of this machine, for people to read: its name,
 * whether this process can use it now, and a description or what it needs. The
 * text says which heap heap=auto would take.
 */
typedef void heap_line(void *context, const char *name, bool usable, const char *text);
void heap_list(const char *dev, heap_line *line, void *context);

#endif
