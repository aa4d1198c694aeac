/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The protocol by which a program gets an fd of the memory of a file that it has open.
 * An ioctl on the open file returns a ticket. The program connects to a socket in the
 * mount and sends the ticket, and gets an fd, or passes one. This works wherever the
 * program sees the mount, in any mount namespace.
 *
 * A ticket is valid once, for FDPASS_TICKET_SECONDS, while the file stays open, and for
 * the user that asked for it. The socket has the same name in every directory of the
 * mount. It is not listed, and exists only while there are tickets: a socket keeps a
 * mount busy, and so does the open file of every ticket.
 */
#ifndef FDPASS_PROTOCOL_H
#define FDPASS_PROTOCOL_H

#include <stdint.h>
#include <sys/ioctl.h>

#define FDPASS_SOCKET	      ".dmaheapfs"
#define FDPASS_TICKET_BYTES   16
#define FDPASS_TICKET_SECONDS 5

enum fdpass_want {
	/* The dma-buf. The file must be open for reading and writing. */
	FDPASS_DMABUF = 1,
	/* The memory file, with the rights of the open file. */
	FDPASS_MEMORY = 2,
	/* To pass a dma-buf, which becomes the memory of the file. The file must be empty. */
	FDPASS_IMPORT = 3,
};

struct fdpass_ticket {
	uint32_t want;			     /* enum fdpass_want */
	uint32_t reserved;		     /* 0 */
	uint8_t ticket[FDPASS_TICKET_BYTES]; /* the result */
};

#define FDPASS_IS_DMABUF (1u << 0) /* the heap has dma-bufs */
#define FDPASS_EXPORTED	 (1u << 1) /* this buffer is exported */

struct fdpass_info {
	uint64_t size;
	uint64_t capacity;
	uint32_t flags; /* FDPASS_IS_DMABUF, … */
	uint32_t reserved;
	/* st_dev and st_ino of the dma-buf's fds, or of the memory file's; 0: neither */
	uint64_t device;
	uint64_t inode;
	char heap[64];
};

#define FDPASS_IOC_TICKET _IOWR(0xdb, 1, struct fdpass_ticket)
#define FDPASS_IOC_QUERY  _IOR(0xdb, 2, struct fdpass_info)

/*
 * The socket is of type SOCK_SEQPACKET. A client sends one message, the bytes of the
 * ticket, with the fd for FDPASS_IMPORT. It receives one message, this struct, with the
 * fd that it asked for if @error is 0. Then the server closes the connection.
 */
struct fdpass_answer {
	int32_t error; /* 0 or -errno; -ESTALE: there is no such ticket (any more) */
};

#endif
