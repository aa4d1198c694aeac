/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause) */
/*
 * The additions of the kernel series to <linux/fuse.h>. Below this comment the file
 * is copied from there by kernel/series.sh; change it there.
 */
#ifndef DMAHEAPFS_UAPI_FUSE_MEMORY_H
#define DMAHEAPFS_UAPI_FUSE_MEMORY_H

#include <stdint.h>
#include <sys/ioctl.h>

#ifndef FUSE_DEV_IOC_MAGIC
#define FUSE_DEV_IOC_MAGIC		229
#endif

#ifndef FUSE_DEV_IOC_MEMORY_ENABLE
/*
 * Memory behind files
 *
 * A server can bind memory that it has as a file, a dma-buf, to an inode. The
 * kernel then reads the inode from that memory, and copy_file_range() copies
 * between it and files of other filesystems, by direct I/O if they support it,
 * in the context of the calling process. The server gets requests for room and
 * new sizes, and does not see the data.
 *
 * All of this needs CAP_SYS_ADMIN in the initial user namespace. Unless it is
 * enabled, nothing changes.
 *
 * FUSE_DEV_IOC_MEMORY_ENABLE: opt in. The argument points to flags. It
 * applies to regular files that are looked up from then on, so it is best done
 * before the answer to INIT. FUSE_DEV_IOC_BACKING_OPEN then takes a dma-buf as
 * well, open for reading and writing, whether passthrough was negotiated or
 * not. EOPNOTSUPP if its exporter does not do file I/O.
 *
 * FUSE_DEV_IOC_MEMORY_BIND: bind the memory with the backing_id to the inode,
 * in place of the bound one, or unbind if it is 0. Binding the same memory
 * again changes nothing. The id may be closed afterwards.
 *   ENOENT   no such backing_id, or no such inode: in CREATE and LOOKUP it is
 *            not there before they are answered, and it is gone after FORGET.
 *            A binding is gone with the inode, so it has to be renewed in OPEN.
 *   EINVAL   not memory, or not a regular file, or one that was looked up
 *            before memory was enabled
 *   ETXTBSY  the inode is open or mapped by way of the page cache
 *   EBUSY    other memory is bound, and is written to just now or mapped; or
 *            the inode is open with FOPEN_PASSTHROUGH to a regular file that is
 *            not empty, or is written to or mapped
 *
 * Memory goes before FOPEN_PASSTHROUGH to a regular file: while some is bound,
 * files that were opened so, before or then, use it as if they had been opened
 * with its id. If the file is not empty, the server passes its id as from_id.
 * The kernel then keeps writers out, copies the file to the memory, and binds
 * that. EAGAIN means that a writer holds the inode, and may be waiting for the
 * server. A server that answers a request for room leaves from_id 0: the
 * requester holds the inode, and the file is empty.
 *
 * While memory is bound, opens without FOPEN_PASSTHROUGH get FOPEN_DIRECT_IO:
 * their writes go to the server. FOPEN_PASSTHROUGH, with a backing_id of the
 * bound memory, lets the kernel write there too. mmap() maps the memory that is
 * bound at that time, to its end for any size of the file. A map holds the
 * memory, and it stays bound as long as it is mapped.
 *
 * Room: if a copy, or a write to a file with FOPEN_PASSTHROUGH, ends behind the
 * end of the memory, or a copy finds no memory, the server gets FALLOCATE with
 * FALLOC_FL_KEEP_SIZE and the range. It makes room, binds, and answers. It may
 * make room for less, and the copy or write ends there; no room is ENOSPC. If
 * the answer is an error, a copy moves no byte, and a write as many as fit.
 *
 * Size: while memory is bound the kernel owns it, and the server changes it
 * only on request. The kernel raises it when a copy, or a write to a file with
 * FOPEN_PASSTHROUGH, ends behind it, and before that call returns the server
 * gets FALLOCATE with mode 0 from 0 to the new size. It has to take over the
 * size, and must not change a byte. Until its answer, the kernel ignores the
 * size in its attributes. If the size stays, the request comes all the same, so
 * that the server can update the time: after a copy at once, after writes when
 * the file is closed or synced. It comes then, too, if the process was killed
 * before the answer.
 *
 * Zeroes: the memory behind the size is zero, unless the server leaves data
 * there. The kernel zeroes the range of a failed copy, and the gap between the
 * old size and the start of a copy or write. The server zeroes the rest: new
 * memory, and ranges that are cut off or uncovered by SETATTR, by OPEN with
 * O_TRUNC, or by itself. It may defer that until the range can become visible:
 * in a map, or when the size is raised over it.
 */
struct fuse_memory_bind {
	uint64_t	nodeid;
	int32_t		backing_id;
	int32_t		from_id;	/* of a file to copy first, or 0 */
};

/*
 * FUSE_DEV_IOC_MEMORY_STAT: statistics of copies, for the inode with the given
 * nodeid. ENOENT as above, ENODATA if nothing was ever bound.
 */
struct fuse_memory_stat {
	uint64_t	nodeid;
	uint64_t	capacity;	/* size of the bound memory, or 0 */
	/* bytes copied since the inode is there: from and to other files */
	uint64_t	in_direct;
	uint64_t	in_buffered;
	uint64_t	out_direct;
	uint64_t	out_buffered;
	uint64_t	copies;		/* how many there were */
	/* of the last copy: */
	uint32_t	why;		/* enum fuse_memory_why */
	int32_t		error;		/* its error, e.g. -EIO, or 0 */
};

/* Why a copy was not direct, apart from unaligned ends */
enum fuse_memory_why {
	FUSE_MEMORY_DIRECT	= 0,	/* it was */
	FUSE_MEMORY_NO_DIRECT	= 1,	/* the other file has no direct I/O */
	FUSE_MEMORY_CACHED	= 2,	/* most of it is in the page cache */
	FUSE_MEMORY_UNALIGNED	= 3,	/* the positions are not alike in a page */
	FUSE_MEMORY_REFUSED	= 4,	/* its filesystem refused direct I/O */
	FUSE_MEMORY_FAILED	= 5,	/* the error tells */
};

/*
 * For FUSE_DEV_IOC_MEMORY_ENABLE: also ask for room before a copy of at least
 * FUSE_MEMORY_FIRST_SIZE into a file that is open with FOPEN_PASSTHROUGH and
 * empty. If the server then binds no memory, the copy goes to the file that it
 * is passed through to.
 */
#define FUSE_MEMORY_FIRST		(1 << 0)
#define FUSE_MEMORY_FIRST_SIZE		65536

#define FUSE_DEV_IOC_MEMORY_ENABLE	_IOW(FUSE_DEV_IOC_MAGIC, 96, uint32_t)
#define FUSE_DEV_IOC_MEMORY_BIND	_IOW(FUSE_DEV_IOC_MAGIC, 97, \
					     struct fuse_memory_bind)
#define FUSE_DEV_IOC_MEMORY_STAT	_IOWR(FUSE_DEV_IOC_MAGIC, 98, \
					      struct fuse_memory_stat)

#endif /* FUSE_DEV_IOC_MEMORY_ENABLE */

#endif /* DMAHEAPFS_UAPI_FUSE_MEMORY_H */
