/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a program comes by the memory of a file that it has open, wherever it
 * sees the mount from: an ioctl on the open file gives it a ticket, and at a
 * socket in the mount the ticket gives it an fd, or takes one.
 *
 * A ticket is good once, for SHARE_TICKET_SECONDS, while the file stays open,
 * and for the user who asked. The socket has the same name in every directory
 * of the mount, is listed in none, and is there as long as there are tickets:
 * a socket keeps a mount busy, and whoever has a ticket does so anyway.
 */
#ifndef SHARE_PROTOCOL_H
#define SHARE_PROTOCOL_H

#include <stdint.h>
#include <sys/ioctl.h>

#define SHARE_SOCKET	     ".dmaheapfs"
#define SHARE_TICKET_BYTES   16
#define SHARE_TICKET_SECONDS 5

enum share_want {
	/* The dma-buf; the file has to be open for reading and writing. */
	SHARE_DMABUF = 1,
	/* The memory file, with no more rights than the open has. */
	SHARE_MEMORY = 2,
	/* To give a dma-buf: it becomes the memory of the file, which is empty. */
	SHARE_IMPORT = 3,
};

struct share_ticket {
	uint32_t want;			    /* enum share_want */
	uint32_t reserved;		    /* 0 */
	uint8_t ticket[SHARE_TICKET_BYTES]; /* what comes back */
};

#define SHARE_IS_DMABUF (1u << 0) /* the heap gives dma-bufs */
#define SHARE_EXPORTED	(1u << 1) /* and of this buffer it has */

struct share_facts {
	uint64_t size;
	uint64_t capacity;
	uint32_t flags; /* SHARE_IS_DMABUF, … */
	uint32_t reserved;
	/* What stat(2) says of the dma-buf's fds, or else of the memory file's; 0: neither. */
	uint64_t device;
	uint64_t inode;
	char heap[64];
};

#define SHARE_IOC_TICKET _IOWR(0xdb, 1, struct share_ticket)
#define SHARE_IOC_QUERY	 _IOR(0xdb, 2, struct share_facts)

/*
 * At the socket, of the kind SOCK_SEQPACKET, a client sends the bytes of one
 * ticket, for SHARE_IMPORT with the fd, in one packet, and gets one packet:
 * this, and where @error is 0 and an fd was wanted, that. Then it is hung up on.
 */
struct share_answer {
	int32_t error; /* 0 or -errno; -ESTALE: no such ticket (any more) */
};

#endif
