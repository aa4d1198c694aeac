/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listening socket in the mount's root directory. */
#ifndef SHARE_DOOR_H
#define SHARE_DOOR_H

/*
 * Listens at @directory, an O_PATH fd of the mount's root. The name must not be
 * there; nothing has to be removed afterwards. The socket, or -errno.
 */
int door_open(int directory);

/* Looks whether the name is there: the mount that is asked sees that. */
void door_look(int directory);

#endif
