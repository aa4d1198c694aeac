/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages of protocol.h, one in each direction. No call here waits, except where it
 * says so: a client may pass any fd, and closing it may block for as long as the client
 * likes.
 */
#ifndef FDPASS_MESSAGE_H
#define FDPASS_MESSAGE_H

#include "fdpass/protocol.h"

#include <stdbool.h>

/* Copies the ticket and leaves the message in the socket. -EINVAL if it is not a ticket. */
int message_peek(int socket, unsigned char ticket[static FDPASS_TICKET_BYTES]);

/*
 * Receives the message and returns the fd that came with it: -EBADF if there was none,
 * -EINVAL if there were several. May block.
 */
int message_receive_fd(int socket);

/* Answers with @error, or with @fd unless it is -1. */
void message_answer(int socket, int error, int fd);

/*
 * Ends the connection. Closes @socket and returns true. If fds are left in it, which are
 * closed with it, it does so only if it @may_block.
 */
bool message_hang_up(int socket, bool may_block);

#endif
