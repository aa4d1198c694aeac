/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client's end of share/protocol.h. */
#ifndef LIB_REDEEM_H
#define LIB_REDEEM_H

#include "share/protocol.h"

/*
 * What @want gives of the open file @file, or takes of @brought, which is -1 for
 * all but SHARE_IMPORT. @path is where it was opened, or NULL. An fd, 0 where
 * none comes back, or -errno.
 */
int redeem(int file, const char *path, enum share_want want, int brought);

#endif
