/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A heap is where the memory of a mount's buffers comes from. One heap is
 * opened per mount and serves all its buffers, from any thread.
 *
 * Everything here returns 0 (or a count) or -errno. Sizes are bytes.
 */
#ifndef BUFFER_HEAP_H
#define BUFFER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap;

/*
 * What kind of memory a heap gives.
 *
 * HEAP_TREE_FILE  the file in the mount's own tree is the memory: the kernel
 *                 keeps size, blocks, times and limits. alloc() is not used.
 * HEAP_OWN_FILE   a memory file (memfd) of its own, sized by the kernel until
 *                 it is exported for the first time, fixed from then on.
 * HEAP_PAGES      a dma-buf: pages of a fixed number, a multiple of the page
 *                 size; the buffer keeps the logical size.
 */
enum heap_memory { HEAP_TREE_FILE, HEAP_OWN_FILE, HEAP_PAGES };

struct heap_ops {
	enum heap_memory memory;

	/*
	 * New zeroed memory of exactly @size bytes, a multiple of the page
	 * size (HEAP_PAGES) or 0 (HEAP_OWN_FILE, which starts empty). Returns
	 * an fd that the caller owns: -ENOSPC or -ENOMEM when the heap is dry.
	 */
	int (*alloc)(struct heap *heap, size_t size);

	/*
	 * HEAP_OWN_FILE alone. may_export() says, before anything is pinned for
	 * it, whether a dma-buf of @size bytes can be had: -EFBIG when that is
	 * too large. export() makes it, of the memory behind @fd: a dma-buf fd
	 * owned by the caller. @size is a multiple of the page size, not 0.
	 */
	int (*may_export)(struct heap *heap, size_t size);
	int (*export)(struct heap *heap, int fd, size_t size);

	/*
	 * CPU access to the memory behind the dma-buf @fd, see bracket.h.
	 * wait_idle() waits, for a bounded time, until no device works on it:
	 * -EBUSY when that was not long enough. sync() is DMA_BUF_IOCTL_SYNC
	 * with its @flags. NULL: not needed.
	 */
	int (*wait_idle)(struct heap *heap, int fd, bool write);
	int (*sync)(struct heap *heap, int fd, uint64_t flags);

	/* Whether the kernel reads and writes the dma-buf @fd as it does files. NULL: no. */
	bool (*takes_io)(struct heap *heap, int fd);

	/*
	 * Whether others hold the dma-buf besides the one @fd that there is here,
	 * without a map. NULL: nobody can know.
	 */
	bool (*is_held)(struct heap *heap, int fd);

	/* Instead of these, where dma-bufs are wanted from the start; NULL: none. */
	const struct heap_ops *pages;

	void (*destroy)(struct heap *heap);
};

struct heap {
	const struct heap_ops *ops;
	/* Memory files that are mapped with MADV_HUGEPAGE get pages of 2 MiB. */
	bool large_pages;
	/* As the user names it: "shmem", "udmabuf", "system", … */
	char name[64];
	/* "yes: …" or "no: …", the text of user.dmaheap.dmabuf. */
	char dmabuf[160];
	/* Why this heap, where `auto` chose it; else empty. */
	char choice[200];
	/* What will surprise the user later, and the cure; else empty. Logged by heap_open(). */
	char advice[256];
};

/* What stands before the path of a DRM device in a heap's name. */
#define HEAP_DRM "drm:"

/*
 * Opens the heap that @name asks for: "auto", "shmem", "udmabuf", a name under
 * @dev/dma_heap, or "drm:" and the path of a device. @dev is "/dev" outside of
 * tests. On failure @why says in one line what is missing and what to do about it.
 */
int heap_open(struct heap **heap, const char *name, const char *dev, char why[static 256]);

/* Whether @name is a heap of this machine, so that it can be asked for. */
bool heap_exists(const char *name, const char *dev);

/*
 * From here on gives dma-bufs and nothing else, where the heap would rather
 * have given memory files. Before the first buffer.
 */
void heap_make_pages(struct heap *heap);

/* NULL is fine. All buffers of the heap are gone by then. */
void heap_destroy(struct heap *heap);

/* The kinds, each in a file of its own; same contract as heap_open(). */
int heap_shmem_open(struct heap **heap, const char *dev, char why[static 256]);
int heap_udmabuf_open(struct heap **heap, const char *dev, char why[static 256]);
int heap_dma_open(struct heap **heap, const char *name, const char *dev, char why[static 256]);

int heap_drm_open(struct heap **heap, const char *path, char why[static 256]);

/*
 * The largest dma-buf that udmabuf makes, in bytes: what size_limit_mb in the
 * module's directory @parameters says, UINT64_MAX where it can't be read.
 */
uint64_t heap_udmabuf_limit(const char *parameters);

/* Whether @fd is a dma-buf, whatever else it may be; asks nothing that could hang. */
bool dmabuf_is(int fd);

/* What every heap with real dma-bufs has in its operations. */
bool dmabuf_is_held(struct heap *heap, int fd);
bool dmabuf_takes_io(struct heap *heap, int fd);
int dmabuf_wait_idle(struct heap *heap, int fd, bool write);
int dmabuf_sync(struct heap *heap, int fd, uint64_t flags);

/*
 * One line per heap of this machine, for people: calls @line with the name,
 * whether it can be used now by this process, and what it is or what it needs.
 * The text of the one that `auto` would take says so.
 */
typedef void heap_line(void *context, const char *name, bool usable, const char *text);
void heap_list(const char *dev, heap_line *line, void *context);

#endif
