// SPDX-License-Identifier: GPL-2.0-or-later
/* Directories of the tree, listed. */
#include "fs/file.h"
#include "fs/listing.h"
#include "fs/ops.h"

#include <fcntl.h>

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct tree *tree = &fs_of(req)->tree;
	int error = listing_open(node_open(tree, fs_node(req, ino), O_RDONLY | O_DIRECTORY), fi);

	if (error)
		fs_reply_error(req, error);
	else
		fuse_reply_open(req, fi);
}

static size_t add(fuse_req_t req, fuse_ino_t ino, int directory, char *room, size_t size,
		  const struct dirent *entry)
{
	const struct stat st = {.st_ino = entry->d_ino, .st_mode = DTTOIF(entry->d_type)};

	(void)ino;
	(void)directory;
	return fuse_add_direntry(req, room, size, entry->d_name, &st, entry->d_off);
}

/* With all that a lookup would tell; an entry gone meanwhile is but a name. */
static size_t add_plus(fuse_req_t req, fuse_ino_t ino, int directory, char *room, size_t size,
		       const struct dirent *entry)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param known = {
		.attr = {.st_ino = entry->d_ino, .st_mode = DTTOIF(entry->d_type)},
	};

	(void)ino;
	if (!listing_is_dots(entry->d_name) && fs_entry(fs, directory, entry->d_name, &known))
		known.ino = 0;
	size_t used = fuse_add_direntry_plus(req, room, size, entry->d_name, &known, entry->d_off);

	if (used > size && known.ino)
		file_forget(fs, node_find(&fs->tree, known.ino), 1);
	return used;
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		struct fuse_file_info *fi)
{
	listing_reply(req, ino, size, offset, fi, add);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	listing_reply(req, ino, size, offset, fi, add_plus);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	listing_close(fi);
	fuse_reply_err(req, 0);
}
