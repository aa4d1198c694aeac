/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process behind server.h: the requests of the kernel, and of the test. */
#ifndef SERVE_H
#define SERVE_H

#include "server.h"

/* Commands from the test; COMMAND_BIND and COMMAND_MOVE take their size from room_length. */
#define COMMAND_BIND   1
#define COMMAND_UNBIND 2
#define COMMAND_MOVE   3

/* Does not return. */
void serve(struct server_shared *s);

#endif
