/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One packet each way, see protocol.h. */
#ifndef SHARE_PACKET_H
#define SHARE_PACKET_H

#include "share/protocol.h"

/* Reads the ticket and leaves the packet where it is. -EINVAL: it is no ticket. */
int packet_peek(int socket, unsigned char ticket[static SHARE_TICKET_BYTES]);

/* Takes the packet and the fd that came with it, -EBADF where there was none. */
int packet_take_fd(int socket);

/* Answers with @error, or with @fd unless that is -1, and hangs up. */
void packet_answer(int socket, int error, int fd);

#endif
