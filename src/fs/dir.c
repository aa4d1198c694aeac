// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Directories, of the tree and of the source. A directory is read from an fd that stays
 * open, entry by entry, so files that are created and removed meanwhile neither hide nor
 * duplicate other entries.
 */
#include "fs/ops.h"
#include "fs/source_ops.h"
#include "state/request.h"
#include "util/math.h"
#include "util/scope.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

/* --- both --------------------------------------------------------------------------- */

/* The file handle of an open directory. It keeps no entries. */
struct listing {
	struct handle handle; /* must come first */
	int fd;
	off_t position; /* of the fd: the kernel's cookie of the next entry */
	off_t number;	/* of that entry, from 0; -1: unknown */
};

static struct listing *listing_of(struct fs *fs, uint64_t handle)
{
	return (struct listing *)handle_find(&fs->handles, handle);
}

/* Takes @directory over, an O_RDONLY fd or -errno. */
static int open_listing(fuse_req_t req, int directory, struct fuse_file_info *fi)
{
	struct handles *handles = &fs_of(req)->handles;
	scope(fd) int fd = directory;
	struct listing *listing = fd < 0 ? NULL : malloc(sizeof(*listing));

	if (!listing)
		return fd < 0 ? fd : -ENOMEM;
	*listing = (struct listing){.fd = fd};
	const int error = handle_add(handles, &listing->handle, fuse_req_ctx(req)->uid);

	if (error) {
		free(listing);
		return error;
	}
	listing->handle.record->fd = steal_fd(&fd);
	handle_publish(&listing->handle);
	fi->fh = listing->handle.record->handle;
	return 0;
}

int dir_restore(struct fs *fs, struct handle_record *record)
{
	struct listing *listing = malloc(sizeof(*listing));

	if (!listing)
		return -ENOMEM;
	*listing = (struct listing){
		.fd = record->fd, .position = lseek(record->fd, 0, SEEK_CUR), .number = -1};
	const int error = handle_restore(&fs->handles, &listing->handle, record);

	if (error)
		free(listing);
	return error;
}

static void reply_open(fuse_req_t req, int directory, struct fuse_file_info *fi)
{
	const int error = open_listing(req, directory, fi);

	if (error)
		fs_reply_error(req, error);
	else
		fuse_reply_open(req, fi);
}

/*
 * Adds an entry to a reply, as fuse_add_direntry() does: returns its size, and has done
 * nothing if that is more than @size. @directory is an fd of @inode.
 */
typedef size_t add_entry(fuse_req_t req, struct inode *inode, int directory, char *reply,
			 size_t size, const struct dirent *entry);

/*
 * An entry in a reply takes at most so many times the bytes of its struct dirent. The
 * shortest, with a name of one byte, has 24, and becomes 32, or 160 with a lookup.
 */
enum { GROWTH = 2, GROWTH_PLUS = 7 };

/* A reply in progress. */
struct reply {
	fuse_req_t req;
	struct inode *inode;
	struct listing *listing;
	bool numbered; /* offsets are the numbers of entries */
	add_entry *add;
	size_t growth;
	char *bytes;
	size_t size, filled;
};

#define ENTRIES_BYTES 8192

/* A buffer for getdents64(2). */
union entries {
	struct dirent first;
	char bytes[ENTRIES_BYTES];
};

/* So many entries fit into that, and each may be looked up and forgotten. */
#define MOST_STEPS (ENTRIES_BYTES / 24 + 2)

/*
 * The bytes of entries to read, so that all of them fit into the reply: the fd is not to go
 * back. 0: there may be no room for the longest name.
 */
static size_t bytes_to_read(const struct reply *reply)
{
	if (request_steps_left() < MOST_STEPS)
		return 0;
	const size_t fits = (reply->size - reply->filled) / reply->growth;

	if (fits < sizeof(struct dirent))
		return reply->filled ? 0 : sizeof(struct dirent);
	return min_u64(fits, ENTRIES_BYTES);
}

/* Returns false if an entry did not fit. The next reply starts with it. */
static bool add_entries(struct reply *reply, union entries *entries, size_t length)
{
	struct listing *listing = reply->listing;

	for (size_t at = 0; at < length;) {
		struct dirent *entry = (void *)(entries->bytes + at);
		const off_t position = entry->d_off;
		const size_t left = reply->size - reply->filled;

		if (reply->numbered)
			entry->d_off = listing->number + 1;
		const size_t used = reply->add(reply->req, reply->inode, listing->fd,
					       reply->bytes + reply->filled, left, entry);

		if (used > left) {
			lseek(listing->fd, listing->position, SEEK_SET);
			return false;
		}
		reply->filled += used;
		listing->position = position;
		listing->number++;
		at += entry->d_reclen;
	}
	return true;
}

/* 0 or -errno. */
static int fill_reply(struct reply *reply)
{
	union entries entries;
	ssize_t length = 0;
	size_t wanted;

	while ((wanted = bytes_to_read(reply))) {
		length = getdents64(reply->listing->fd, &entries, wanted);
		if (length <= 0 || !add_entries(reply, &entries, (size_t)length))
			break;
	}
	return length < 0 && !reply->filled ? -errno : 0;
}

/* Goes on from the beginning, to the entry with that number or the end. */
static void seek_number(struct listing *listing, off_t number)
{
	union entries entries;
	ssize_t length;

	listing->position = lseek(listing->fd, 0, SEEK_SET);
	listing->number = 0;
	while (listing->number < number &&
	       (length = getdents64(listing->fd, &entries, sizeof(entries))) > 0) {
		for (ssize_t at = 0; at < length && listing->number < number;) {
			const struct dirent *entry = (void *)(entries.bytes + at);

			listing->position = entry->d_off;
			listing->number++;
			at += entry->d_reclen;
		}
	}
	lseek(listing->fd, listing->position, SEEK_SET);
}

static void seek(struct reply *reply, off_t offset)
{
	struct listing *listing = reply->listing;

	if (offset == (reply->numbered ? listing->number : listing->position))
		return;
	if (reply->numbered)
		seek_number(listing, offset);
	else
		listing->position = lseek(listing->fd, offset, SEEK_SET);
}

static void reply_entries(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
			  struct fuse_file_info *fi, add_entry *add, size_t growth)
{
	struct listing *listing = listing_of(fs_of(req), fi->fh);
	scope(free) char *bytes = malloc(size);
	struct reply reply = {
		.req = req,
		.inode = inode,
		.listing = listing,
		/* Cookies of ext4 have 64 bits, which 32-bit programs refuse. */
		.numbered = inode->ops == &source_ops,
		.add = add,
		.growth = growth,
		.bytes = bytes,
		.size = size,
	};

	if (!bytes) {
		fs_reply_error(req, -ENOMEM);
		return;
	}
	seek(&reply, offset);
	const int error = fill_reply(&reply);

	if (error)
		fs_reply_error(req, error);
	else
		fuse_reply_buf(req, bytes, reply.filled);
}

void dir_release(struct fs *fs, uint64_t handle)
{
	struct listing *listing = listing_of(fs, handle);

	/* The replay of a release that an earlier process has carried out. */
	if (!listing)
		return;
	handle_forget(&listing->handle);
	handle_remove(&fs->handles, &listing->handle);
	close_fd(listing->fd);
	free(listing);
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
	reply_entries(req, inode, size, offset, fi, add, GROWTH);
}

void op_readdirplus(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	reply_entries(req, inode, size, offset, fi, add_plus, GROWTH_PLUS);
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
		source_forget(source, node, 1);
	return used;
}

void source_op_readdir(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
		       struct fuse_file_info *fi)
{
	reply_entries(req, inode, size, offset, fi, source_add, GROWTH);
}

void source_op_readdirplus(fuse_req_t req, struct inode *inode, size_t size, off_t offset,
			   struct fuse_file_info *fi)
{
	reply_entries(req, inode, size, offset, fi, source_add_plus, GROWTH_PLUS);
}
