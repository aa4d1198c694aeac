// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The size of a FUSE file with memory is the kernel's until the server has
 * taken it over: servers that do not, and truncations of what they do not know.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "server.h"
#include "vm.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (256 * KIB)
#define CUT  (10 * KIB)
#define SOON 5000 /* milliseconds */

static char content[SIZE], have[SIZE];
static const struct server_options passing = {.open = OPEN_PASSTHROUGH};

/* A server with room for all of a file that is 100 bytes long. */
static struct server prepare(int *source, int *file)
{
	struct server server;
	int first;

	need_patched();
	pattern(content, SIZE, 191);
	*source = make_file("ext4", "fuse-size", content, SIZE, O_RDWR);
	server = server_create(&passing);
	first = server_open(&server, O_RDWR);
	CHECK_EQ(copy_all(*source, 0, first, 0, SIZE), SIZE);
	CHECK_EQ(ftruncate(first, 100), 0);
	close(first);
	*file = server_open(&server, O_RDWR);
	return server;
}

static void expect_file(struct server *server, size_t len)
{
	server_expect_head(server, content, len, SIZE);
}

static bool gone(int error)
{
	return error == ECONNABORTED || error == ENOTCONN || error == EIO;
}

static void dies_at_size(void)
{
	int source, file;
	struct server server = prepare(&source, &file);
	pid_t pid;

	server.shared->options.wait_at_size = true;
	pid = server_copy(&server, source, file, SIZE);
	server_await(&server);
	CHECK_EQ(outcome(pid, 100), -1);
	server_kill(&server);
	CHECK(gone(outcome(pid, SOON)));
	server_destroy(&server);
}

/* Until then no reader has the new size, and then all have it. */
static void waits_at_size(void)
{
	int source, file;
	struct server server = prepare(&source, &file);
	pid_t pid;

	server.shared->options.wait_at_size = true;
	pid = server_copy(&server, source, file, SIZE);
	server_await(&server);
	read_at(file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	CHECK_EQ(outcome(pid, 100), -1);
	server_go(&server);
	CHECK_EQ(outcome(pid, SOON), 0);
	expect_file(&server, SIZE);
	server_destroy(&server);
}

/* The copied size is reported at close, if not before. */
static void killed_at_size(void)
{
	int source, file;
	struct server server = prepare(&source, &file);
	pid_t pid;

	kill(server.pid, SIGSTOP);
	pid = server_copy(&server, source, file, SIZE);
	CHECK_EQ(outcome(pid, 300), -1);
	/* it is the only open file then */
	close(file);
	kill(pid, SIGKILL);
	usleep(100000);
	kill(server.pid, SIGCONT);
	CHECK_EQ(outcome(pid, SOON), 128 + SIGKILL);
	expect_file(&server, SIZE);
	server_destroy(&server);
}

/* A writer within the size reports it at close. */
static pid_t start_close(struct server *server, int file)
{
	pid_t pid;

	write_at(file, content, 100, 0);
	pid = server_fork(server);
	if (!pid)
		_exit(close(file) ? errno : 0);
	return pid;
}

static void dies_at_close(void)
{
	int source, file;
	struct server server = prepare(&source, &file);
	pid_t pid;

	server.shared->options.wait_at_size = true;
	pid = start_close(&server, file);
	server_await(&server);
	CHECK_EQ(outcome(pid, 100), -1);
	server_kill(&server);
	CHECK(gone(outcome(pid, SOON)));
	server_destroy(&server);
}

static void stops_at_close(bool killed)
{
	int source, file;
	struct server server = prepare(&source, &file);
	pid_t pid;

	kill(server.pid, SIGSTOP);
	pid = start_close(&server, file);
	CHECK_EQ(outcome(pid, 300), -1);
	if (killed)
		kill(pid, SIGKILL);
	CHECK_EQ(outcome(pid, 100), -1);
	kill(server.pid, SIGCONT);
	CHECK_EQ(outcome(pid, SOON), killed ? 128 + SIGKILL : 0);
	CHECK_EQ(server.shared->told_size, 100);
	expect_file(&server, 100);
	server_destroy(&server);
}

static void stops_at_our_close(void)
{
	stops_at_close(false);
}
static void killed_at_close(void)
{
	stops_at_close(true);
}

/*
 * A copy that is killed while the server is stopped, in a process whose files
 * another has, too: the size is raised, and nobody has told the server.
 */
static void leave_untold(struct server *server, int source, int file)
{
	pid_t pid;

	kill(server->pid, SIGSTOP);
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);
	CHECK(pid >= 0);
	if (!pid) {
		copy_once(source, 0, file, 0, SIZE);
		_exit(0);
	}
	CHECK_EQ(outcome(pid, 300), -1);
	kill(pid, SIGKILL);
	CHECK_EQ(outcome(pid, SOON), 128 + SIGKILL);
}

static pid_t start_cut(struct server *server, int file, rlim_t limit)
{
	struct rlimit rlimit = {limit, RLIM_INFINITY};
	pid_t pid = server_fork(server);

	if (pid)
		return pid;
	signal(SIGXFSZ, SIG_DFL);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &rlimit), 0);
	_exit(ftruncate(file, CUT) ? errno : 0);
}

/* The server does not know the cut part, so the kernel zeroes it. */
static void cut_untold(rlim_t limit)
{
	int source, file;
	struct server server = prepare(&source, &file);
	pid_t pid;

	leave_untold(&server, source, file);
	read_at(file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	pid = start_cut(&server, file, limit);
	usleep(50000);
	CHECK_EQ(server.shared->size, 100);
	kill(server.pid, SIGCONT);
	CHECK_EQ(outcome(pid, SOON), 0);
	expect_file(&server, CUT);
	server_destroy(&server);
}

static void cut_unlimited(void)
{
	cut_untold(RLIM_INFINITY);
}
static void cut_limited(void)
{
	cut_untold(50);
}

/* Until the server has the report, its size is old. */
static void attributes_are_old(void)
{
	int source, file;
	struct server server = prepare(&source, &file);
	struct stat st;

	leave_untold(&server, source, file);
	kill(server.pid, SIGCONT);
	CHECK_EQ(server.shared->size, 100);
	server_reset(&server);
	CHECK_EQ(stat(server.path, &st), 0);
	CHECK(server_asked(&server, FUSE_GETATTR) + server_asked(&server, FUSE_LOOKUP) > 0);
	CHECK_EQ(st.st_size, SIZE);
	read_at(file, have, SIZE, 0);
	CHECK_EQ(first_difference(have, content, SIZE), -1);
	CHECK_EQ(fsync(file), 0);
	expect_file(&server, SIZE);
	server_destroy(&server);
}

/* The limit is for longer files, and this one does not grow. */
static void limited_truncate(void)
{
	int source, file;
	struct server server = prepare(&source, &file);

	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	CHECK_EQ(outcome(start_cut(&server, file, CUT / 2), SOON), 0);
	expect_file(&server, CUT);
	server_destroy(&server);
}

/* Between the end and the new bytes lies a part that the server has not zeroed yet. */
static void behind_the_end(bool by_copy)
{
	int source, file;
	struct server server = prepare(&source, &file);

	server.shared->options.put_off = true;
	CHECK_EQ(copy_all(source, 0, file, 0, SIZE), SIZE);
	CHECK_EQ(ftruncate(file, 100), 0);
	if (by_copy)
		CHECK_EQ(copy_all(source, CUT, file, CUT, 5000), 5000);
	else
		write_at(file, content + CUT, 5000, CUT);
	memset(content + 100, 0, CUT - 100);
	expect_file(&server, CUT + 5000);
	server_destroy(&server);
}

static void copy_behind_the_end(void)
{
	behind_the_end(true);
}
static void write_behind_the_end(void)
{
	behind_the_end(false);
}

CASE({"a server that dies when it is told a size ends the copy", dies_at_size},
     {"while the server takes a size over all of it can be read", waits_at_size},
     {"the size of a killed copy is told when its file is closed", killed_at_size},
     {"a server that dies at a close ends it", dies_at_close},
     {"a server that stops at a close is waited for", stops_at_our_close},
     {"a killed task waits for it too", killed_at_close},
     {"cutting an unreported part leaves zeros", cut_unlimited},
     {"cutting it obeys no limit, and raises no signal", cut_limited},
     {"attributes do not take a size back that is not told", attributes_are_old},
     {"cutting a file longer than the limit leaves zeros", limited_truncate},
     {"a copy behind the end zeroes the part that the server deferred", copy_behind_the_end},
     {"a write behind the end zeroes the part that the server deferred", write_behind_the_end}, )
