// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Directories are read from an fd that stays open, entry by entry, so that
 * what is made and removed meanwhile neither hides nor doubles the others.
 */
#include "fs/file.h"
#include "fs/ops.h"
#include "util/scope.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

struct listing {
	DIR *stream;
	/* Read, but there was no room for it in the last reply; else NULL. */
	struct dirent *pending;
	off_t position; /* the kernel's cookie of what comes next */
};

static struct listing *listing_of(const struct fuse_file_info *fi)
{
	return (struct listing *)(uintptr_t)fi->fh;
}

static int open_listing(struct tree *tree, const struct node *node, struct listing **listing)
{
	scope(fd) int file = node_open(tree, node, O_RDONLY | O_DIRECTORY);
	struct listing *new = calloc(1, sizeof(*new));

	if (file >= 0 && new)
		new->stream = fdopendir(file);
	if (!new || !new->stream) {
		free(new);
		return file < 0 ? file : -ENOMEM;
	}
	steal_fd(&file);
	*listing = new;
	return 0;
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct listing *listing;
	int error = open_listing(&fs_of(req)->tree, fs_node(req, ino), &listing);

	if (error) {
		fs_reply_error(req, error);
		return;
	}
	fi->fh = (uintptr_t)listing;
	fuse_reply_open(req, fi);
}

/* The next entry, which stays the next until it is taken. */
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

static size_t add(fuse_req_t req, char *room, size_t size, const struct dirent *entry)
{
	const struct stat st = {.st_ino = entry->d_ino, .st_mode = DTTOIF(entry->d_type)};

	return fuse_add_direntry(req, room, size, entry->d_name, &st, entry->d_off);
}

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* With all that a lookup would tell; an entry gone meanwhile is but a name. */
static size_t add_plus(fuse_req_t req, struct listing *listing, char *room, size_t size,
		       const struct dirent *entry)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param known = {
		.attr = {.st_ino = entry->d_ino, .st_mode = DTTOIF(entry->d_type)},
	};

	if (!is_dots(entry->d_name) && fs_entry(fs, dirfd(listing->stream), entry->d_name, &known))
		known.ino = 0;
	size_t used = fuse_add_direntry_plus(req, room, size, entry->d_name, &known, entry->d_off);

	if (used > size && known.ino)
		file_forget(fs, node_find(&fs->tree, known.ino), 1);
	return used;
}

static void read_directory(fuse_req_t req, size_t size, off_t offset, struct fuse_file_info *fi,
			   bool plus)
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
		const size_t used = plus ? add_plus(req, listing, reply + filled, left, entry)
					 : add(req, reply + filled, left, entry);

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

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		struct fuse_file_info *fi)
{
	(void)ino;
	read_directory(req, size, offset, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	(void)ino;
	read_directory(req, size, offset, fi, true);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct listing *listing = listing_of(fi);

	(void)ino;
	closedir(listing->stream);
	free(listing);
	fuse_reply_err(req, 0);
}
