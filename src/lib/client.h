/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client side of fdpass/protocol.h. */
#ifndef LIB_CLIENT_H
#define LIB_CLIENT_H

#include "fdpass/protocol.h"

/*
 * Gets a ticket for @want from the open file @file and redeems it. @passed is the fd to pass
 * for FDPASS_IMPORT, else -1. @path is the path that the file was opened by, or NULL. Returns
 * an fd, 0 if none comes back, or -errno.
 */
int fdpass_redeem(int file, const char *path, enum fdpass_want want, int passed);

#endif
