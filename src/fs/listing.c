// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/listing.h"

#include "util/scope.h"

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

int listing_open(int directory, struct fuse_file_info *fi)
{
	scope(fd) int file = directory;
	struct listing *new = calloc(1, sizeof(*new));

	if (file >= 0 && new)
		new->stream = fdopendir(file);
	if (!new || !new->stream) {
		free(new);
		return file < 0 ? file : -ENOMEM;
	}
	steal_fd(&file);
	fi->fh = (uintptr_t) new;
	return 0;
}

void listing_close(struct fuse_file_info *fi)
{
	struct listing *listing = listing_of(fi);

	closedir(listing->stream);
	free(listing);
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

void listing_reply(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		   struct fuse_file_info *fi, listing_add *add)
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
			add(req, ino, dirfd(listing->stream), reply + filled, left, entry);

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

bool listing_is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}
