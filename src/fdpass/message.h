/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The messages of protocol.h, one in each direction. */
#ifndef FDPASS_MESSAGE_H
#define FDPASS_MESSAGE_H

#include "fdpass/protocol.h"

/* Copies the ticket and leaves the message in the socket. -EINVAL if it is not a ticket. */
int message_peek(int socket, unsigned char ticket[static FDPASS_TICKET_BYTES]);

/* Receives the message and returns the fd that came with it, -EBADF if there was none. */
int message_receive_fd(int socket);

/* Answers with @error, or with @fd unless it is -1, and closes @socket. */
void message_answer(int socket, int error, int fd);

#endif
