// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "serve.h"

#include "memory.h"
#include "one_file.h"
#include "uapi/fuse_memory.h"
#include "vm.h"

#include <linux/falloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_WRITE (1 * MIB)

/* Private to the server. */
struct state {
	struct server_shared *shared;
	int buffer; /* -1: no memory yet */
	int file;   /* the memory file of file_first, and its id */
	int file_id;
};

static void reply(struct server_shared *s, uint64_t unique, int error, const void *data, size_t len)
{
	one_file_reply(s->dev, unique, error, data, len);
}

static struct fuse_attr attr_of(struct state *state)
{
	struct server_shared *s = state->shared;
	struct stat st;

	if (state->file_id && state->buffer < 0 && !fstat(state->file, &st))
		atomic_store(&s->size, st.st_size);
	return (struct fuse_attr){
		.mode = atomic_load(&s->mode),
		.uid = atomic_load(&s->uid),
		.gid = atomic_load(&s->gid),
		.size = atomic_load(&s->size),
		.blocks = atomic_load(&s->capacity) / 512,
	};
}

static void answer_init(struct server_shared *s, uint64_t unique, const struct fuse_init_in *in)
{
	struct init_reply out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = in->max_readahead,
		.max_write = MAX_WRITE,
		.max_background = 16,
		.max_pages = MAX_WRITE / 4096,
		.flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_INIT_EXT_BIT,
	};

	if (s->options.passthrough || s->options.file_first) {
		out.flags2 = FUSE_PASSTHROUGH_BIT;
		out.max_stack_depth = 1;
	}
	reply(s, unique, 0, &out, sizeof(out));
}

static void fill(int buffer, unsigned char byte, size_t from, size_t to)
{
	char bytes[4096];

	memset(bytes, byte, sizeof(bytes));
	while (from < to) {
		size_t len = to - from < 4096 ? to - from : 4096;

		poke(buffer, bytes, len, from);
		from += len;
	}
}

static int register_buffer(struct server_shared *s, int buffer)
{
	struct fuse_backing_map map = {.fd = buffer};
	int id = ioctl(s->dev, FUSE_DEV_IOC_BACKING_OPEN, &map);

	return id < 0 ? -errno : id;
}

/* Bind a registered buffer, or nothing; 0 or -errno. */
static int bind_id(struct server_shared *s, int id, int from)
{
	struct fuse_memory_bind bind = {
		.nodeid = FILE_NODE,
		.backing_id = id,
		.from_id = from,
	};

	return ioctl(s->dev, FUSE_DEV_IOC_MEMORY_BIND, &bind) ? -errno : 0;
}

static int bind_buffer(struct server_shared *s, int buffer, int from)
{
	int id = register_buffer(s, buffer), ret;

	if (id < 0)
		return id;
	ret = bind_id(s, id, from);
	ioctl(s->dev, FUSE_DEV_IOC_BACKING_CLOSE, &id);
	return ret;
}

/* Another buffer in the place of the one that is there, if that can be. */
static int replace(struct state *state, int buffer, size_t size, int from)
{
	int ret = bind_buffer(state->shared, buffer, from);

	if (ret) {
		close(buffer);
		return ret;
	}
	if (state->buffer >= 0)
		close(state->buffer);
	state->buffer = buffer;
	atomic_store(&state->shared->capacity, size);
	return 0;
}

/* A larger buffer with the content of the one that is there. */
static int grow(struct state *state, size_t size)
{
	struct server_shared *s = state->shared;
	size_t had = atomic_load(&s->size), page = getpagesize();
	char *content;
	int buffer;

	size = (size + page - 1) / page * page;
	if (state->buffer >= 0 && size <= atomic_load(&s->capacity))
		return bind_buffer(s, state->buffer, 0);
	buffer = make_unfilled_buffer("system", size);
	if (state->buffer >= 0 && had) {
		content = malloc(had);
		peek(state->buffer, content, had, 0);
		poke(buffer, content, had, 0);
		free(content);
	}
	return replace(state, buffer, size, 0);
}

/* As the test says; behind the size there are zeros all the same. */
static int swap(struct state *state)
{
	struct server_shared *s = state->shared;
	size_t size = atomic_load(&s->room_length), full = atomic_load(&s->size);
	int buffer = make_unfilled_buffer("system", size), byte = atomic_load(&s->fill);

	if (byte)
		fill(buffer, byte, 0, full < size ? full : size);
	return replace(state, buffer, size, 0);
}

/* The file's size is the server's business from then on. */
static int move(struct state *state)
{
	struct server_shared *s = state->shared;
	size_t size = atomic_load(&s->room_length);
	int ret = replace(state, make_unfilled_buffer("system", size), size, state->file_id);
	struct stat st;

	if (ret)
		return ret;
	fstat(state->file, &st);
	atomic_store(&s->size, st.st_size);
	return ftruncate(state->file, 0) ? -errno : 0;
}

/* The memory is gone, and the file is there again. */
static int unbind(struct state *state)
{
	int ret = bind_id(state->shared, 0, 0);

	if (!ret && state->file_id) {
		close(state->buffer);
		state->buffer = -1;
		atomic_store(&state->shared->size, 0);
		atomic_store(&state->shared->capacity, 0);
	}
	return ret;
}

static void wait_for_go(struct server_shared *s)
{
	atomic_store(&s->waiting, 1);
	while (!atomic_load(&s->go))
		usleep(1000);
	atomic_store(&s->waiting, 0);
}

static int make_room(struct state *state, const struct fuse_fallocate_in *in)
{
	struct server_shared *s = state->shared;
	size_t end = in->offset + in->length;

	atomic_store(&s->room_offset, in->offset);
	atomic_store(&s->room_length, in->length);
	switch (s->options.room) {
	case ROOM_NONE:
		return -ENOSPC;
	case ROOM_UNBOUND:
		return 0;
	case ROOM_HALF:
		end = in->offset + in->length / 2;
		break;
	case ROOM_WAIT:
		wait_for_go(s);
		break;
	case ROOM_EXACT:
		break;
	}
	return grow(state, end);
}

static void answer_fallocate(struct state *state, uint64_t unique,
			     const struct fuse_fallocate_in *in)
{
	struct server_shared *s = state->shared;
	int ret = 0;

	if (in->mode == FALLOC_FL_KEEP_SIZE) {
		ret = make_room(state, in);
	} else if (!in->mode) {
		atomic_store(&s->told_size, in->offset + in->length);
		if (s->options.wait_at_size)
			wait_for_go(s);
		if (in->offset + in->length > atomic_load(&s->size))
			atomic_store(&s->size, in->offset + in->length);
	} else {
		ret = -EOPNOTSUPP;
	}
	reply(s, unique, ret, NULL, 0);
}

/* Between the size and the end of the memory are zeros, or will be. */
static int set_size(struct state *state, size_t size)
{
	struct server_shared *s = state->shared;
	size_t had = atomic_load(&s->size);
	int ret;

	if (state->file_id && state->buffer < 0)
		return ftruncate(state->file, size) ? -errno : 0;
	if (size > atomic_load(&s->capacity)) {
		ret = grow(state, size);
		if (ret)
			return ret;
	}
	if (size < had && state->buffer >= 0 && !s->options.put_off)
		fill(state->buffer, 0, size, had);
	if (size > had && state->buffer >= 0 && s->options.put_off)
		fill(state->buffer, 0, had, size);
	atomic_store(&s->size, size);
	return 0;
}

static void answer_setattr(struct state *state, uint64_t unique, uint64_t node,
			   const struct fuse_setattr_in *in)
{
	struct server_shared *s = state->shared;
	int ret = 0;

	if (in->valid & FATTR_MODE)
		atomic_store(&s->mode, in->mode & 07777);
	if (in->valid & FATTR_UID)
		atomic_store(&s->uid, in->uid);
	if (in->valid & FATTR_GID)
		atomic_store(&s->gid, in->gid);
	if (in->valid & FATTR_SIZE)
		ret = set_size(state, in->size);
	if (ret)
		reply(s, unique, ret, NULL, 0);
	else
		one_file_getattr(s->dev, unique, node, attr_of(state));
}

static void answer_open(struct state *state, uint64_t unique)
{
	struct server_shared *s = state->shared;
	/* a flush would wait for the inode's lock and for the server */
	uint32_t flags = s->options.flush ? 0 : FOPEN_NOFLUSH;
	/* an open by way of the page cache would keep memory from being bound */
	struct open_reply out = {.open_flags = FOPEN_DIRECT_IO | flags};
	int id = 0;

	if (state->file_id) {
		out.open_flags = FOPEN_PASSTHROUGH | flags;
		out.backing_id = state->file_id;
	} else if (state->buffer >= 0 && !s->options.no_opt_in) {
		/* the inode may have been evicted, and its binding with it */
		id = register_buffer(s, state->buffer);
		if (id > 0)
			bind_id(s, id, 0);
		if (id > 0 && s->options.open != OPEN_PLAIN) {
			out.open_flags = FOPEN_PASSTHROUGH | flags;
			out.backing_id = id;
		}
		if (id > 0 && s->options.open == OPEN_STALE)
			ioctl(s->dev, FUSE_DEV_IOC_BACKING_CLOSE, &id);
	}
	/* the kernel looks the id up when it has the answer, so it has to last */
	out.fh = id > 0 ? id : 0;
	reply(s, unique, 0, &out, sizeof(out));
}

/* For filesystems on top. */
static void answer_statfs(struct server_shared *s, uint64_t unique)
{
	struct fuse_statfs_out out = {.st = {.bsize = 4096, .namelen = 255}};

	reply(s, unique, 0, &out, sizeof(out));
}

static void answer_release(struct server_shared *s, uint64_t unique,
			   const struct fuse_release_in *in)
{
	uint32_t id = in->fh;

	if (id)
		ioctl(s->dev, FUSE_DEV_IOC_BACKING_CLOSE, &id);
	reply(s, unique, 0, NULL, 0);
}

static void answer_read(struct state *state, uint64_t unique, const struct fuse_read_in *in)
{
	static char buf[MAX_WRITE];
	struct server_shared *s = state->shared;
	size_t size = atomic_load(&s->size), len = 0;

	if (in->offset < size)
		len = size - in->offset < in->size ? size - in->offset : in->size;
	if (len && state->buffer >= 0)
		peek(state->buffer, buf, len, in->offset);
	reply(s, unique, 0, buf, len);
}

static void answer_write(struct state *state, uint64_t unique, const struct fuse_write_in *in)
{
	struct server_shared *s = state->shared;
	struct fuse_write_out out = {.size = in->size};
	size_t end = in->offset + in->size;
	int ret = 0;

	if (end > atomic_load(&s->capacity))
		ret = grow(state, end);
	if (ret) {
		reply(s, unique, ret, NULL, 0);
		return;
	}
	poke(state->buffer, in + 1, in->size, in->offset);
	if (end > atomic_load(&s->size))
		atomic_store(&s->size, end);
	reply(s, unique, 0, &out, sizeof(out));
}

static void answer(struct state *state, struct fuse_in_header *in)
{
	struct server_shared *s = state->shared;
	void *arg = in + 1;

	if (in->opcode < SERVER_OPCODES)
		atomic_fetch_add(&s->asked[in->opcode], 1);
	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(s, in->unique, arg);
		if (s->options.file_first)
			state->file_id = register_buffer(s, state->file);
		break;
	case FUSE_LOOKUP:
		one_file_lookup(s->dev, in->unique, attr_of(state));
		break;
	case FUSE_GETATTR:
		one_file_getattr(s->dev, in->unique, in->nodeid, attr_of(state));
		break;
	case FUSE_SETATTR:
		answer_setattr(state, in->unique, in->nodeid, arg);
		break;
	case FUSE_OPEN:
		answer_open(state, in->unique);
		break;
	case FUSE_READ:
		answer_read(state, in->unique, arg);
		break;
	case FUSE_WRITE:
		answer_write(state, in->unique, arg);
		break;
	case FUSE_FALLOCATE:
		answer_fallocate(state, in->unique, arg);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	case FUSE_RELEASE:
		answer_release(s, in->unique, arg);
		break;
	case FUSE_STATFS:
		answer_statfs(s, in->unique);
		break;
	case FUSE_FLUSH:
	case FUSE_FSYNC:
		reply(s, in->unique, 0, NULL, 0);
		break;
	default:
		reply(s, in->unique, -ENOSYS, NULL, 0);
	}
}

/* The test may ask the server to act of its own accord. */
static void obey(struct state *state)
{
	struct server_shared *s = state->shared;
	int command = atomic_exchange(&s->command, 0), ret = 0;

	switch (command) {
	case 0:
		return;
	case COMMAND_BIND:
		ret = swap(state);
		break;
	case COMMAND_UNBIND:
		ret = unbind(state);
		break;
	case COMMAND_MOVE:
		ret = move(state);
		break;
	}
	atomic_store(&s->result, ret);
	atomic_store(&s->waiting, 0);
}

void serve(struct server_shared *s)
{
	static char buf[MAX_WRITE + 4096] __attribute__((aligned(8)));
	struct state state = {.shared = s, .buffer = -1};
	struct pollfd poll_dev = {.fd = s->dev, .events = POLLIN};

	if (s->options.file_first)
		state.file = memfd_create("first", MFD_CLOEXEC);
	for (;;) {
		obey(&state);
		if (poll(&poll_dev, 1, 1) <= 0)
			continue;
		if (read(s->dev, buf, sizeof(buf)) > 0)
			answer(&state, (void *)buf);
		else if (errno == ENODEV)
			_exit(0);
	}
}
