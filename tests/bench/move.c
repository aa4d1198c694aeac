// SPDX-License-Identifier: GPL-2.0-or-later
#include "move.h"

#include "bench.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>

struct ends {
	int in, out;
	uint64_t size;
};

struct mapped {
	int file;
	bool write;
};

static int move_piece(const struct piece *piece, void *arg)
{
	const struct mapped *mapped = arg;
	uint64_t done = 0;

	while (done < piece->size) {
		char *data = piece->data + done;
		const uint64_t left = piece->size - done, position = piece->position + done;
		const ssize_t count = mapped->write ? pwrite(mapped->file, data, left, position)
						    : pread(mapped->file, data, left, position);

		if (count <= 0)
			return count ? -errno : -EIO;
		done += count;
	}
	return 0;
}

static int move_sendfile(const struct ends *ends)
{
	uint64_t left = ends->size;

	while (left) {
		const ssize_t count = sendfile(ends->out, ends->in, NULL, left);

		if (count <= 0)
			return count ? -errno : -EIO;
		left -= count;
	}
	return 0;
}

static uint64_t largest_pipe(void)
{
	FILE *file = fopen("/proc/sys/fs/pipe-max-size", "re");
	unsigned long size = 0;

	if (!file || fscanf(file, "%lu", &size) != 1)
		size = 1 << 20;
	if (file)
		fclose(file);
	return size;
}

/* All that has come in goes out before more comes in. */
static int empty_pipe(int pipe, int out, uint64_t held)
{
	while (held) {
		const ssize_t count = splice(pipe, NULL, out, NULL, held, SPLICE_F_MOVE);

		if (count <= 0)
			return count ? -errno : -EIO;
		held -= count;
	}
	return 0;
}

static int move_splice(const struct ends *ends)
{
	uint64_t left = ends->size;
	int pipes[2], error = 0;

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	scope(fd) int from = pipes[0];
	scope(fd) int to = pipes[1];
	const int room = fcntl(to, F_SETPIPE_SZ, largest_pipe());

	if (room < 0)
		return -errno;
	while (left && !error) {
		const uint64_t piece = left < (uint64_t)room ? left : (uint64_t)room;
		const ssize_t count = splice(ends->in, NULL, to, NULL, piece, SPLICE_F_MOVE);

		if (count <= 0)
			return count ? -errno : -EIO;
		error = empty_pipe(from, ends->out, count);
		left -= count;
	}
	return error;
}

static int move_copy(const struct ends *ends)
{
	uint64_t left = ends->size;

	while (left) {
		const ssize_t count = copy_file_range(ends->in, NULL, ends->out, NULL, left, 0);

		if (count <= 0)
			return count ? -errno : -EIO;
		left -= count;
	}
	return 0;
}

static bool is_refusal(int error)
{
	return error == -EXDEV || error == -EINVAL || error == -EOPNOTSUPP || error == -EBADF;
}

int move(struct bench *bench, enum way way, const struct memory *memory, unsigned number, int file,
	 bool write)
{
	static int (*const ways[])(const struct ends *ends) = {
		[BY_SENDFILE] = move_sendfile,
		[BY_SPLICE] = move_splice,
		[BY_COPY] = move_copy,
	};
	static const char *const names[] = {
		[BY_SENDFILE] = "sendfile",
		[BY_SPLICE] = "splice",
		[BY_COPY] = "copy_file_range",
	};
	const int buffer = memory->fds[number];
	const struct ends ends = write ? (struct ends){buffer, file, memory->size}
				       : (struct ends){file, buffer, memory->size};
	struct mapped mapped = {file, write};

	if (way == BY_MAP)
		return memory_visit(memory, number, !write, move_piece, &mapped);
	const int error = ways[way](&ends);

	if (is_refusal(error))
		return unable(bench, "this kernel has no %s between a file and %s (%s)", names[way],
			      memory_name(memory->kind), strerror(-error));
	return error;
}
