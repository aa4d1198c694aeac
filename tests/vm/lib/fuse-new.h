/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Definitions that <linux/fuse.h> has since Linux 6.9. The two replies are named
 * differently here, so that either header will do.
 */
#ifndef FUSE_NEW_H
#define FUSE_NEW_H

#include <linux/fuse.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define FUSE_INIT_EXT_BIT (1u << 30)
/* FUSE_PASSTHROUGH is bit 37: in the second word of flags */
#define FUSE_PASSTHROUGH_BIT (1u << (37 - 32))

#ifndef FOPEN_PASSTHROUGH
#define FOPEN_PASSTHROUGH (1u << 7)

struct fuse_backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};

#define FUSE_DEV_IOC_BACKING_OPEN  _IOW(229, 1, struct fuse_backing_map)
#define FUSE_DEV_IOC_BACKING_CLOSE _IOW(229, 2, uint32_t)
#endif

struct init_reply {
	uint32_t major, minor, max_readahead, flags;
	uint16_t max_background, congestion_threshold;
	uint32_t max_write, time_gran;
	uint16_t max_pages, map_alignment;
	uint32_t flags2, max_stack_depth, unused[6];
};

struct open_reply {
	uint64_t fh;
	uint32_t open_flags;
	int32_t backing_id;
};

#endif
