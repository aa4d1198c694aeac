/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffers of every kind, importers to hold on to them, and files on every
 * filesystem. Like the rest of the library, nothing here returns failure.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A kind of dma-buf by name: "system", "cma" or "udmabuf". make_buffer() ends
 * the test as unable where the rig has no such heap.
 */
int make_buffer(const char *kind, size_t size);
/* The same of a heap, not zeroed, for a copy to fill. */
int make_unfilled_buffer(const char *kind, size_t size);
bool have_kind(const char *kind);
extern const char *const buffer_kinds[]; /* ends with NULL */

/* A memfd sealed as udmabuf wants it; flags as for memfd_create(). */
int make_memfd(size_t size, unsigned int flags);
/* A udmabuf over part of a memfd, or over a list of such parts. */
struct memory_part {
	int memfd;
	uint64_t offset, size;
};
int make_udmabuf(int memfd, uint64_t offset, uint64_t size);
int make_udmabuf_of(const struct memory_part *parts, unsigned int nr);
/*
 * A udmabuf of any size over 64 MiB of memory, which it repeats: byte n of the
 * buffer is byte n % 64 MiB of the memory.
 */
int make_vast_buffer(size_t size);
/* Raise or lower a limit under /sys/module/udmabuf/parameters. */
void udmabuf_limit(const char *name, unsigned long value);

/* The buffer's bytes as a CPU sees them, bracketed as they have to be. */
void peek(int buffer, void *buf, size_t len, off_t pos);
void poke(int buffer, const void *buf, size_t len, off_t pos);
/* End the test unless the bytes at pos are these. */
void expect(int buffer, const void *want, size_t len, off_t pos);

/*
 * An importer that holds the buffer attached and mapped until let go. hold()
 * returns 0 or -errno: whether an importer gets in is what tests ask.
 */
struct importer {
	int card;
	uint32_t handle;
};
struct importer open_importer(const char *driver);
int hold(struct importer *importer, int buffer);
void let_go(struct importer *importer);
/* A buffer of that driver's own, which has none of the series' support. */
int make_dumb_buffer(struct importer *exporter, size_t size);

/* Filesystems to copy from and to: a directory each, mounted on demand. */
extern const char *const filesystems[]; /* "ext4", ..., ends with NULL */
const char *directory_on(const char *filesystem);
bool can_direct(const char *filesystem);
/* An open file of that name with that content, on disk and out of the cache. */
int make_file(const char *filesystem, const char *name, const void *content, size_t len, int flags);
/* Open a file made before. */
int open_file(const char *filesystem, const char *name, int flags);
void forget_cache(int fd);
/* The pages of the file that the page cache holds, in bytes. */
size_t cached_bytes(int fd, size_t len);

#endif
