/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory being listed. It is read from an fd that stays open, entry by
 * entry, so that what is made and removed meanwhile neither hides nor doubles
 * the others.
 */
#ifndef FS_LISTING_H
#define FS_LISTING_H

#include "fs/fs.h"

#include <dirent.h>

/* @directory, O_RDONLY, is the listing's from here on, also on error. 0 or -errno. */
int listing_open(int directory, struct fuse_file_info *fi);
void listing_close(struct fuse_file_info *fi);

/*
 * Puts one entry into @room, as fuse_add_direntry() does: returns how much it
 * takes, and has done nothing where that is more than @size. @directory is the
 * listing's fd, @ino its node.
 */
typedef size_t listing_add(fuse_req_t req, fuse_ino_t ino, int directory, char *room, size_t size,
			   const struct dirent *entry);

/* Replies with the entries from @offset on. */
void listing_reply(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		   struct fuse_file_info *fi, listing_add *add);

/* "." and "..", which are not looked up. */
bool listing_is_dots(const char *name);

#endif
