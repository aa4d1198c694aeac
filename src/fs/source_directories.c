// SPDX-License-Identifier: GPL-2.0-or-later
/* Directories of the view, listed. */
#include "fs/listing.h"
#include "fs/source.h"

void source_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct view *view = fs_of(req)->view;
	int error = listing_open(view_open_directory(view, source_node(req, ino)), fi);

	if (error)
		fs_reply_error(req, error);
	else
		fuse_reply_open(req, fi);
}

static struct stat attributes_of(fuse_req_t req, fuse_ino_t ino, const struct dirent *entry)
{
	const struct view_node *directory = source_node(req, ino);

	return (struct stat){
		.st_ino =
			view_inode_number(fs_of(req)->view, directory->identity.dev, entry->d_ino),
		.st_mode = DTTOIF(entry->d_type),
	};
}

static size_t add(fuse_req_t req, fuse_ino_t ino, int directory, char *room, size_t size,
		  const struct dirent *entry)
{
	const struct stat st = attributes_of(req, ino, entry);

	(void)directory;
	return fuse_add_direntry(req, room, size, entry->d_name, &st, entry->d_off);
}

/* With all that a lookup would tell; an entry gone meanwhile is but a name. */
static size_t add_plus(fuse_req_t req, fuse_ino_t ino, int directory, char *room, size_t size,
		       const struct dirent *entry)
{
	struct view *view = fs_of(req)->view;
	struct fuse_entry_param known = {.attr = attributes_of(req, ino, entry)};
	struct view_node *node = NULL;
	struct stat st;

	if (!listing_is_dots(entry->d_name) &&
	    !view_look_up_at(view, source_node(req, ino), directory, entry->d_name, &node, &st))
		known = source_entry(node, &st);
	size_t used = fuse_add_direntry_plus(req, room, size, entry->d_name, &known, entry->d_off);

	if (used > size && node)
		view_put(view, node, 1);
	return used;
}

void source_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	listing_reply(req, ino, size, offset, fi, add);
}

void source_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			struct fuse_file_info *fi)
{
	listing_reply(req, ino, size, offset, fi, add_plus);
}
