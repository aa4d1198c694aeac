// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Directories, of the tree and of the source. A directory is read from an fd that stays
 * open, entry by entry, so files that are created and removed meanwhile neither hide nor
 * duplicate other entries.
 */
#include "fs/ops.h"
#include "fs/source_ops.h"
#include "util/scope.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

/* --- both --------------------------------------------------------------------------- */

/* The file handle of an open directory. */
struct listing {
	DIR *stream;
	struct dirent *pending; /* did not fit into the last reply; NULL: none */
	off_t position;		/* the kernel's cookie of the next entry */
};

static struct listing *listing_of(const struct fuse_file_info *fi)
{
	return (struct listing *)(uintptr_t)fi->fh;
}

/* Takes @directory over, an O_RDONLY fd or -errno. */
static int open_listing(int directory, struct fuse_file_info *fi)
{
	scope(fd) int file = directory;
	struct listing *listing = calloc(1, sizeof(*listing));

	if (file >= 0 && listing)
		listing->stream = fdopendir(file);
	if (!listing || !listing->stream) {
		free(listing);
		return file < 0 ? file : -ENOMEM;
	}
	steal_fd(&file);
	fi->fh = (uintptr_t)listing;
	return 0;
}

static void reply_open(fuse_req_t req, int directory, struct fuse_file_info *fi)
{
	const int error = open_listing(directory, fi);

	if (error)
		fs_reply_error(req, error);
	else
		fuse_reply_open(req, fi);
}

/* Returns the next entry, which stays the next until it is taken. */
static struct dirent *peek(struct listing *listing)
{
	if (!listing->pending)
		listing->pending = readdir(listing->stream);
	return listing->pending;
}

static void take(struct listing *listing)
{
	listing->position = listing->pending->d_off;
	listing->pending = NULL;
}

static void seek(struct listing *listing, off_t offset)
{
	if (offset == listing->position)
		return;
	seekdir(listing->stream, offset);
	listing->pending = NULL;
	listing->position = offset;
}

/*
 * Adds an entry to a reply, as fuse_add_direntry() does: returns its size, and has done
 * nothing if that is more than @size. @directory is an fd of @inode.
 */
typedef size_t add_entry(fuse_req_t req, struct inode *inode, int directory, char *reply,
			 size_t size, const struct dirent *entry);

static void reply_entries(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
			  struct fuse_file_info *fi, add_entry *add)
{
	struct listing *listing = listing_of(fi);
	scope(free) char *reply = malloc(size);
	struct dirent *entry = NULL;
	size_t filled = 0;

	if (!reply) {
		fs_reply_error(req, -ENOMEM);
		return;
	}
	seek(listing, offset);
	errno = 0;
	while ((entry = peek(listing))) {
		const size_t left = size - filled;
		const size_t used =
			add(req, inode, dirfd(listing->stream), reply + filled, left, entry);

		if (used > left)
			break;
		filled += used;
		take(listing);
		errno = 0;
	}
	if (!entry && errno && !filled)
		fs_reply_error(req, -errno);
	else
		fuse_reply_buf(req, reply, filled);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct listing *listing = listing_of(fi);

	(void)ino;
	closedir(listing->stream);
	free(listing);
	fuse_reply_err(req, 0);
}

/* "." and "..", which are not looked up. */
static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* --- the tree ----------------------------------------------------------------------- */

void op_opendir(fuse_req_t req, struct inode *inode, struct fuse_file_info *fi)
{
	reply_open(req, node_open(&fs_of(req)->tree, &inode->node, O_RDONLY | O_DIRECTORY), fi);
}

static size_t add(fuse_req_t req, struct inode *inode, int directory, char *reply, size_t size,
		  const struct dirent *entry)
{
	const struct stat st = {.st_ino = entry->d_ino, .st_mode = DTTOIF(entry->d_type)};

	(void)inode;
	(void)directory;
	return fuse_add_direntry(req, reply, size, entry->d_name, &st, entry->d_off);
}

/* With a lookup. If the entry has been removed meanwhile only its name is listed. */
static size_t add_plus(fuse_req_t req, struct inode *parent, int directory, char *reply,
		       size_t size, const struct dirent *entry)
{
	struct fs *fs = fs_of(req);
	struct inode *inode = NULL;
	struct fuse_entry_param found = {
		.attr = {.st_ino = entry->d_ino, .st_mode = DTTOIF(entry->d_type)},
	};

	(void)parent;
	if (!is_dots(entry->d_name) &&
	    inode_look_up(fs, directory, entry->d_name, &inode, &found)) {
		inode = NULL;
		found.ino = 0;
	}
	const size_t used =
		fuse_add_direntry_plus(req, reply, size, entry->d_name, &found, entry->d_off);

	if (used > size && inode)
		inode_forget(fs, inode, 1);
	return used;
}

void op_readdir(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
		struct fuse_file_info *fi)
{
	reply_entries(req, inode, size, offset, fi, add);
}

void op_readdirplus(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	reply_entries(req, inode, size, offset, fi, add_plus);
}

/* --- the source --------------------------------------------------------------------- */

void source_op_opendir(fuse_req_t req, struct inode *inode, struct fuse_file_info *fi)
{
	reply_open(req, source_open_directory(fs_of(req)->source, &inode->source), fi);
}

static struct stat attributes_of(fuse_req_t req, const struct inode *directory,
				 const struct dirent *entry)
{
	return (struct stat){
		.st_ino = source_inode_number(fs_of(req)->source, directory->source.identity.dev,
					      entry->d_ino),
		.st_mode = DTTOIF(entry->d_type),
	};
}

static size_t source_add(fuse_req_t req, struct inode *inode, int directory, char *reply,
			 size_t size, const struct dirent *entry)
{
	const struct stat st = attributes_of(req, inode, entry);

	(void)directory;
	return fuse_add_direntry(req, reply, size, entry->d_name, &st, entry->d_off);
}

static size_t source_add_plus(fuse_req_t req, struct inode *parent, int directory, char *reply,
			      size_t size, const struct dirent *entry)
{
	struct source *source = fs_of(req)->source;
	struct fuse_entry_param found = {.attr = attributes_of(req, parent, entry)};
	struct source_node *node = NULL;
	struct stat st;

	if (!is_dots(entry->d_name) &&
	    !source_look_up_at(source, &parent->source, directory, entry->d_name, &node, &st))
		found = source_entry((struct inode *)node, &st);
	const size_t used =
		fuse_add_direntry_plus(req, reply, size, entry->d_name, &found, entry->d_off);

	if (used > size && node)
		source_put(source, node, 1);
	return used;
}

void source_op_readdir(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
		       struct fuse_file_info *fi)
{
	reply_entries(req, inode, size, offset, fi, source_add);
}

void source_op_readdirplus(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
			   struct fuse_file_info *fi)
{
	reply_entries(req, inode, size, offset, fi, source_add_plus);
}
