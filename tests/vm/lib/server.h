/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A FUSE server of one file whose memory is a dma-buf, on the raw device and
 * as plain as can be: it does what the protocol asks of a server, counts what
 * it is asked, and misbehaves on demand. The test steers it through memory
 * that both share.
 */
#ifndef SERVER_H
#define SERVER_H

#include "one_file.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_OPCODES 64

/* The server's answer to a request for room. */
enum server_room {
	ROOM_EXACT,   /* a buffer of just that size, bound */
	ROOM_HALF,    /* of half of it, bound */
	ROOM_NONE,    /* ENOSPC */
	ROOM_UNBOUND, /* says yes and binds nothing */
	ROOM_WAIT,    /* waits for server_go(), then exact */
};

/* The result of an open. */
enum server_open {
	OPEN_PLAIN,	  /* no flags: reads and copies by the binding */
	OPEN_PASSTHROUGH, /* FOPEN_PASSTHROUGH on the same memory */
	OPEN_STALE,	  /* the same, with an id that is closed by then */
};

struct server_options {
	bool no_opt_in;	   /* leave the extension off */
	bool passthrough;  /* negotiate passthrough */
	bool file_first;   /* opens are passed through to a memory file, which memory replaces */
	bool flush;	   /* close waits for the server */
	bool put_off;	   /* a cut part is zeroed when it is uncovered */
	bool wait_at_size; /* sizes are answered after server_go() */
	enum server_room room;
	enum server_open open;
};

struct server_shared {
	struct server_options options;
	/* requests by opcode, and the last room and size asked for */
	atomic_uint asked[SERVER_OPCODES];
	atomic_ullong room_offset, room_length, told_size;
	atomic_int waiting, go;
	/* the server's idea of the file */
	atomic_ullong size, capacity;
	atomic_uint mode, uid, gid;
	/* for tests that do something in the server's place */
	atomic_int command, result, fill;
	int dev;
};

struct server {
	struct server_shared *shared;
	char dir[32], path[40];
	pid_t pid;
};

struct server server_create(const struct server_options *options);
int server_open(struct server *server, int flags);
/*
 * End the test unless kernel and server agree that the file is the first len
 * bytes of content, and it is zeros behind them when made as long as whole.
 */
void server_expect_head(struct server *server, const char *content, size_t len, size_t whole);
unsigned int server_asked(struct server *server, enum fuse_opcode opcode);
/* Forget the counts so far. */
void server_reset(struct server *server);
/* Have the kernel forget the file, which must not be open any more. */
void server_evict(struct server *server);
/* Fork a process that does not keep the server's connection. */
pid_t server_fork(struct server *server);
/* Copy in such a process, which ends with 0, or with errno. */
pid_t server_copy(struct server *server, int in, int out, size_t len);
/* Wait until the server waits as its options say, and let it go on. */
void server_await(struct server *server);
void server_go(struct server *server);
/*
 * As the server would: give the file other memory, of that size and full of
 * that byte, or take it away. Returns -errno: the file keeps what it has.
 */
int server_swap(struct server *server, size_t size, unsigned char fill);
/* The same, with zeros. */
int server_bind(struct server *server, size_t size);
int server_unbind(struct server *server);
/* With file_first: have the kernel move the file to memory of that size. */
int server_move(struct server *server, size_t size);
/* The kernel's counters of the file's copies. */
struct fuse_memory_stat;
int server_stat(struct server *server, struct fuse_memory_stat *stat);
void server_kill(struct server *server);
void server_destroy(struct server *server);

#endif
