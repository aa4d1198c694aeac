/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dma-bufs of others that become the memory of a file. */
#ifndef FS_IMPORT_H
#define FS_IMPORT_H

/* As struct share_user has them; @context is the fs, @target a node that is held. */
int import_take(void *context, void *target, int fd);
void import_end(void *context, void *target);

#endif
